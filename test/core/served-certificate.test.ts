// A real listener over TLS whose certificate's files change under it.
import { once } from "node:events";
import { renameSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { connect, createServer, type TLSSocket } from "node:tls";
import { beforeAll, describe, expect, it, onTestFinished, test } from "vitest";
import { ConfigError } from "../../core/config-error.ts";
import { createLog } from "../../core/log.ts";
import { openCertificate } from "../../core/served-certificate.ts";
import { tlsOptions } from "../../core/tls-certificate.ts";
import { folderWith } from "../config/config-folder.ts";
import { selfSigned, type TestCertificate } from "../support/certificates.ts";
import { createManualClock } from "../support/manual-clock.ts";

const NOW = Date.UTC(2026, 10, 21);
const DAY_MS = 86_400_000;
const SETTLE_MS = 100;
const LOOK_MS = 2_000;

let old: TestCertificate;
let next: TestCertificate;
let expired: TestCertificate;
beforeAll(async () => {
  const until = new Date("2027-11-21");
  old = await selfSigned({ until });
  next = await selfSigned({ until });
  expired = await selfSigned({ until: new Date("2026-11-20") });
});

async function start(first = old) {
  const folder = folderWith({ cert: first.cert, key: first.key });
  const files = { certificate: join(folder, "cert"), key: join(folder, "key") };
  const own = openCertificate(files, "tls");
  if (own === undefined) throw new Error("files that were given");
  const server = createServer(tlsOptions(own.first));
  server.on("secureConnection", (socket: TLSSocket) => socket.on("data", (chunk) => socket.write(chunk)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const clock = createManualClock(NOW);
  const lines: Record<string, unknown>[] = [];
  const log = createLog("test", "info", { write: (line) => void lines.push(JSON.parse(line)) });
  const served = own.serve(server as never, { clock, log });
  onTestFinished(() => {
    served.stop();
    server.close();
    expect(clock.pending()).toBe(0);
  });
  const { port } = server.address() as AddressInfo;

  async function dial(): Promise<TLSSocket> {
    const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
    onTestFinished(() => void socket.destroy());
    await once(socket, "secureConnect");
    return socket;
  }

  return {
    served,
    lines,
    clock,
    dial,
    write: (name: "cert" | "key", text: string) => writeFileSync(join(folder, name), text),
    rename(name: "cert" | "key", text: string) {
      writeFileSync(join(folder, `${name}.new`), text);
      renameSync(join(folder, `${name}.new`), join(folder, name));
    },
    /** What is noticed without the kernel's help. */
    look() {
      clock.advance(LOOK_MS);
      clock.advance(SETTLE_MS);
    },
    async fingerprint() {
      const socket = await dial();
      return socket.getPeerCertificate().fingerprint256.replaceAll(":", "").toLowerCase();
    },
  };
}

const said = (lines: readonly Record<string, unknown>[]) => lines.map(({ level, msg }) => `${level} ${msg}`);
const KEPT = "error the changed certificate files are not taken over: the certificate in use stays";

describe("a certificate at the start", () => {
  it("is none where none is configured", () => {
    expect(openCertificate(undefined, "tls")).toBeUndefined();
  });

  it("that cannot be used is the operator's fault, with file and remedy", () => {
    const folder = folderWith({ cert: old.cert, key: next.key });
    const files = { certificate: join(folder, "cert"), key: join(folder, "key") };
    expect(() => openCertificate(files, "gateway.tls")).toThrow(
      new ConfigError([
        {
          source: files.key,
          path: "gateway.tls.key",
          found: "another certificate's key",
          expected: `the private key that ${files.certificate} was issued for; it must be the first certificate in its file`,
        },
      ]),
    );
  });
});

describe("a certificate whose files change", () => {
  test.each(["write", "rename"] as const)("is in use for new handshakes: %s", async (how) => {
    const fixture = await start();
    const before = await fixture.dial();
    expect(await fixture.fingerprint()).toBe(old.fingerprint);
    fixture[how]("cert", next.cert);
    fixture[how]("key", next.key);
    fixture.look();
    expect(await fixture.fingerprint()).toBe(next.fingerprint);
    expect(said(fixture.lines)).toEqual(["info a new certificate is in use"]);
    expect(fixture.lines[0]).toMatchObject({
      fingerprint: next.fingerprint,
      expires: "2027-11-21T00:00:00.000Z",
    });
    before.write("still here");
    expect(String(await once(before, "data"))).toBe("still here");
  });

  it("stays while only one of the two is new, and follows when both are", async () => {
    const fixture = await start();
    fixture.write("cert", next.cert);
    fixture.look();
    expect([await fixture.fingerprint(), said(fixture.lines)]).toEqual([old.fingerprint, [KEPT]]);
    expect(fixture.lines[0]?.["fault"]).toMatch(/key: tls\.key: found another certificate's key; expected /);
    fixture.write("key", next.key);
    fixture.look();
    expect(await fixture.fingerprint()).toBe(next.fingerprint);
  });

  test.each([
    ["half a certificate", () => ({ cert: next.cert.slice(0, 200), key: next.key })],
    ["an empty file", () => ({ cert: "", key: next.key })],
    ["half a key", () => ({ cert: next.cert, key: next.key.slice(0, 60) })],
    ["a pair that has expired", () => expired],
  ])("stays with %s in place of it, and the log says so", async (_what, pair) => {
    const fixture = await start();
    fixture.write("cert", pair().cert);
    fixture.write("key", pair().key);
    fixture.look();
    expect([await fixture.fingerprint(), said(fixture.lines)]).toEqual([old.fingerprint, [KEPT]]);
    expect(JSON.stringify(fixture.lines)).not.toContain("PRIVATE");
  });

  it("makes no noise when what is written is what is in use", async () => {
    const fixture = await start();
    fixture.rename("cert", old.cert);
    fixture.look();
    expect(fixture.lines).toEqual([]);
  });
});

describe("a certificate that is about to expire", () => {
  it("is told of two weeks before, twice a day, and in its state", async () => {
    const soon = await selfSigned({ until: new Date(NOW + 15 * DAY_MS) });
    const { served, lines, clock } = await start(soon);
    expect([served.state(), lines]).toEqual(["ok", []]);
    clock.advance(DAY_MS);
    expect(served.state()).toBe("expires on 2026-12-06");
    expect(said(lines)).toEqual(["warn the certificate expires on 2026-12-06: renew it"]);
    clock.advance(DAY_MS);
    expect(lines.length).toBe(3);
    clock.advance(13 * DAY_MS);
    expect(served.state()).toBe("expired on 2026-12-06");
  });

  it("of a few days' life is told of when two thirds of them are over", async () => {
    const days = (count: number) => new Date(NOW + count * DAY_MS);
    const { served, clock } = await start(await selfSigned({ from: days(0), until: days(6) }));
    clock.advance(3.9 * DAY_MS);
    expect(served.state()).toBe("ok");
    clock.advance(0.2 * DAY_MS);
    expect(served.state()).toBe("expires on 2026-11-27");
  });

  it("and is not valid yet is told of too", async () => {
    const from = new Date(NOW + DAY_MS);
    const { served, lines, clock } = await start(await selfSigned({ from, until: new Date("2027-11-21") }));
    expect(served.state()).toBe("is not valid before 2026-11-22");
    expect(said(lines)).toEqual([
      "warn the certificate is not valid before 2026-11-22: wait, or look at this machine's clock",
    ]);
    clock.advance(DAY_MS);
    expect(served.state()).toBe("ok");
  });

  it("and has expired at the start is served all the same, with a word, until there is a better one", async () => {
    const fixture = await start(expired);
    expect(fixture.served.state()).toBe("expired on 2026-11-20");
    expect(said(fixture.lines)).toEqual(["warn the certificate expired on 2026-11-20: renew it"]);
    fixture.write("cert", next.cert);
    fixture.write("key", next.key);
    fixture.look();
    expect([await fixture.fingerprint(), fixture.served.state()]).toEqual([next.fingerprint, "ok"]);
    expect(new Date(fixture.served.expiresAt())).toEqual(new Date("2027-11-21"));
  });
});
