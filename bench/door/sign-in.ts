// A real sign-in, as a browser does it: to the login, to the provider, back with a code. For the front door and for any
// other relying party of the bench's provider.
import { Agent, request } from "undici";
import type { FakeProvider, Person } from "../revocation/fake-provider.ts";

export type RelyingParty = {
  readonly origin: string;
  readonly loginPath: string;
  readonly callbackPath: string;
  /** Of the origin's certificate, if it is https. */
  readonly certificate?: string;
};

/** Until the provider's tokens would have to be refreshed: longer than any measurement. */
const TOKENS_LAST_SECONDS = 86_400;

/** @returns the `Cookie` header's value for later requests */
export async function signIn(
  party: RelyingParty,
  provider: FakeProvider,
  person: Person,
  tokensLastSeconds = TOKENS_LAST_SECONDS,
): Promise<string> {
  const { origin, loginPath, callbackPath, certificate } = party;
  const options =
    certificate === undefined ? {} : { dispatcher: new Agent({ connect: { ca: certificate } }) };
  const begun = await request(`${origin}${loginPath}`, { ...options, headers: { accept: "text/html" } });
  await begun.body.dump();
  const asked = new URL(String(begun.headers.location)).searchParams;
  const code = provider.codeFor(person, asked.get("nonce") ?? "", tokensLastSeconds);
  const query = new URLSearchParams({ code, state: asked.get("state") ?? "" });
  const back = await request(`${origin}${callbackPath}?${query}`, {
    ...options,
    headers: { accept: "text/html", cookie: cookiesOf(begun.headers["set-cookie"]) },
  });
  const page = await back.body.text();
  if (back.statusCode !== 302) throw new Error(`a login ended with ${back.statusCode}: ${page}`);
  return cookiesOf(back.headers["set-cookie"]);
}

/** Name and value of each cookie that is set, not of those that are taken away. */
function cookiesOf(lines: string | string[] | undefined): string {
  const all = typeof lines === "string" ? [lines] : (lines ?? []);
  const pairs = all.map((line) => line.split(";", 1)[0] ?? "");
  return pairs.filter((pair) => !pair.endsWith("=")).join("; ");
}
