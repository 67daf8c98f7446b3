// Rules between the keys of front-door.json5 that its schema cannot say. Each part is looked at as soon as it is
// sound by itself. Pure.
import type { ConfigIssue } from "../core/config-error.ts";
import { type Document, issueAt, judgeable } from "./document.ts";
import { type FrontDoorConfig, frontDoorSchema } from "./front-door.ts";
import { valueAt } from "./key-path.ts";
import { limitsSchema } from "./limits.ts";
import { isLoopbackOrigin, isLoopbackTarget } from "./network-zone.ts";
import { providerIssues } from "./provider-checks.ts";
import { soundKeys } from "./schema-issues.ts";

export function frontDoorIssues(document: Document): readonly ConfigIssue[] {
  const { publicUrl, listen, privateListen, session } = soundKeys(frontDoorSchema, document.value);
  const limits = soundKeys(limitsSchema, valueAt(document.value, ["limits"]) ?? {});
  const issues: ConfigIssue[] = [];
  if (publicUrl !== undefined) issues.push(...publicUrlIssues(document, publicUrl, listen));
  if (listen !== undefined && privateListen !== undefined && overlap(listen, privateListen)) {
    const expected = "another port than the public listener's (listen.port)";
    issues.push(issueAt(document, ["privateListen", "port"], expected));
  }
  issues.push(...providerIssues(document, limits.pageTimeout));
  if (session !== undefined && session.idle > session.absolute) {
    issues.push(issueAt(document, ["session", "idle"], "at most session.absolute"));
  }
  const { headersTimeout, requestTimeout } = limits;
  if (headersTimeout !== undefined && requestTimeout !== undefined && headersTimeout > requestTimeout) {
    issues.push(issueAt(document, ["limits", "requestTimeout"], "at least limits.headersTimeout"));
  }
  return judgeable(document, issues);
}

function publicUrlIssues(
  document: Document,
  publicUrl: string,
  listen: FrontDoorConfig["listen"] | undefined,
): ConfigIssue[] {
  const url = new URL(publicUrl);
  if (url.protocol === "https:") return [];
  if (!isLoopbackOrigin(url.hostname)) {
    const expected = "https: over plain http everyone on the way can read the session cookie";
    return [issueAt(document, ["publicUrl"], expected)];
  }
  // Also when its two files are not named as they should be: that it is there says what was meant.
  if (valueAt(document.value, ["tls"]) !== undefined) {
    const expected = "https, because tls is set; to serve plain http on loopback, take tls out";
    return [issueAt(document, ["publicUrl"], expected)];
  }
  if (listen === undefined || isLoopbackTarget(listen.host)) return [];
  return [issueAt(document, ["listen", "host"], "a loopback address, because publicUrl is plain http")];
}

type Listener = FrontDoorConfig["listen"];

const EVERY_ADDRESS = ["0.0.0.0", "::"];

function overlap(one: Listener, other: Listener): boolean {
  if (one.port !== other.port || one.port === 0) return false;
  const hosts = [one.host, other.host].map((host) =>
    host === "localhost" ? "127.0.0.1" : host.toLowerCase(),
  );
  return hosts[0] === hosts[1] || hosts.some((host) => EVERY_ADDRESS.includes(host));
}
