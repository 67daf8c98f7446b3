// Program: times the identify stage, as the front door itself puts it together, for people whose session was verified a
// moment ago. Arguments: a folder of its own, rounds.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { configurationFiles } from "../../config/configuration-files.ts";
import { loadFrontDoor } from "../../config/load.ts";
import { systemClock } from "../../core/clock.ts";
import { newRequestId, newSessionHandle, userIdOf } from "../../core/ids.ts";
import { createLog } from "../../core/log.ts";
import { openLeaves } from "../../proxy/leaves.ts";
import type { ParsedRequest } from "../../proxy/request/parsed-request.ts";
import { openEmbeddedStore } from "../../store/embedded.ts";
import { ACCESS_FILE, type DoorPlace, frontDoorFile, GROUP, routesFile } from "../door/configuration.ts";
import { report, timeRounds } from "./report-rounds.ts";

const PEOPLE = 1_000;
const CALLS = 100_000;

const [folder = "", rounds = ""] = process.argv.slice(2);

/** Nobody listens, and nobody is asked: only what is stored and what is remembered is measured. */
const NOWHERE: DoorPlace = {
  publicUrl: "http://127.0.0.1:1",
  port: 1,
  privatePort: 2,
  issuer: "http://127.0.0.1:3",
  backendPort: 4,
  gatewayPort: 5,
  connections: 100,
  tls: undefined,
};
const SECRETS = { encryptionKey: "0".repeat(64), clientSecret: "of this measurement" };

const write = (file: string, content: unknown) => writeFileSync(join(folder, file), JSON.stringify(content));
write("front-door.json5", frontDoorFile(NOWHERE, SECRETS));
write("access.json5", ACCESS_FILE);
write("routes.json5", routesFile(NOWHERE));
const path = join(folder, "front-door.json5");
const loaded = loadFrontDoor(path, {});
const log = createLog("bench", "silent");
mkdirSync(loaded.config.data, { recursive: true, mode: 0o700 });
const store = await openEmbeddedStore({ folder: join(loaded.config.data, "store"), clock: systemClock, log });
const { identify, sessions } = await openLeaves(loaded.config, configurationFiles(path, {}, loaded), {
  store,
  clock: systemClock,
  log,
});

const requests: ParsedRequest[] = [];
for (let index = 0; index < PEOPLE; index += 1) requests.push(await signedInRequest(index));
for (const request of requests) {
  const found = await identify(request);
  if (!found.ok) throw new Error(`a session is not found again: ${found.error.code}`);
}
report(
  await timeRounds(Number(rounds), CALLS, (index) => {
    const request = requests[index % PEOPLE];
    return request === undefined ? undefined : identify(request);
  }),
);

async function signedInRequest(index: number): Promise<ParsedRequest> {
  const handle = newSessionHandle();
  const person = {
    userId: userIdOf(NOWHERE.issuer, `person-${index}`),
    issuer: NOWHERE.issuer,
    email: `person-${index}@example.com`,
    emailVerified: true,
    emailTrusted: true,
    name: `Person ${index}`,
    groups: [GROUP],
  };
  const details = {
    tokens: { idToken: "unused", refreshToken: null, refreshAt: null },
    providerSid: null,
    from: { peer: "127.0.0.1", userAgent: null },
  };
  await sessions.create(handle, person, details, systemClock.now());
  return {
    id: newRequestId(),
    method: "GET",
    path: "/agents/assistant/data",
    segments: ["agents", "assistant", "data"],
    query: "",
    kind: "api",
    credential: { kind: "session", handle },
    peer: "127.0.0.1",
    headers: new Map(),
    isRepeated: false,
  };
}
