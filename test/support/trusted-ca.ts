// Lets connections of this process trust a CA of the test's, as NODE_EXTRA_CA_CERTS would, until the test is over.
import { syncBuiltinESMExports } from "node:module";
import tls, { type ConnectionOptions } from "node:tls";
import { onTestFinished, vi } from "vitest";

/** @param ca PEM */
export function trustCa(ca: string): void {
  const { connect } = tls;
  const spy = vi.spyOn(tls, "connect");
  spy.mockImplementation(((options: ConnectionOptions, ready?: () => void) =>
    connect({ ...options, ca }, ready)) as never);
  // Named imports see the change only so.
  syncBuiltinESMExports();
  onTestFinished(() => {
    spy.mockRestore();
    syncBuiltinESMExports();
  });
}
