// Two ends of a real loopback connection over TLS. The certificate is for this alone, and verified by nobody.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer, type TLSSocket } from "node:tls";
import { onTestFinished } from "vitest";

export type TlsPair = { readonly dialled: TLSSocket; readonly accepted: TLSSocket };

/** Gone after the test. */
export async function tlsPair(): Promise<TlsPair> {
  const server = createServer({ key: KEY, cert: CERTIFICATE });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const dialled = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  const [[accepted]] = (await Promise.all([
    once(server, "secureConnection"),
    once(dialled, "secureConnect"),
  ])) as [[TLSSocket], unknown];
  server.close();
  onTestFinished(() => {
    dialled.destroy();
    accepted.destroy();
  });
  return { dialled, accepted };
}

const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgShQeAhrTG52tAR6y
UcWB17VQTdLXKFmKhS80Z+NJJR6hRANCAARKq2Hg/vtm4y3ApsYWnjwW/qRAeHst
+HGZCc0A+LXo5jLGffYb8BrwhFo0LzylC9elVIpfw92LM9nQbTOQ5D2/
-----END PRIVATE KEY-----`;

const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBfzCCASWgAwIBAgIUFLP9VauGUPtT8g5P3wPgLuTz84kwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMTA3MDcxNloYDzIxMjYxMDI4
MDcwNzE2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAARKq2Hg/vtm4y3ApsYWnjwW/qRAeHst+HGZCc0A+LXo5jLGffYb8Brw
hFo0LzylC9elVIpfw92LM9nQbTOQ5D2/o1MwUTAdBgNVHQ4EFgQUl1Mcc+rzzZp0
3PSEb7M72akFB7swHwYDVR0jBBgwFoAUl1Mcc+rzzZp03PSEb7M72akFB7swDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiBbUzFgB+22z07xFoWgnmzV
q3yKjI/xITGGsw5PnWwM1QIhANucQD3vQki5XgbfDt/MDw/wNl9TuLplOOu957nM
/qir
-----END CERTIFICATE-----`;
