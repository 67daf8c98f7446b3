// Whom a command names: a user id is one person; an e-mail is everybody who signed in with it, at whatever provider,
// until the command names the provider too. Reads; ends nothing.
import { isUserId } from "../../core/ids.ts";
import { err, ok, type Result } from "../../core/result.ts";
import type { ListedSession, SessionList } from "../identify/session-list.ts";

export type NamedPeopleDeps = {
  readonly list: SessionList;
  readonly providers: {
    readonly byIssuer: ReadonlyMap<string, { readonly id: string }>;
  };
};

export type Named = {
  /** User id or e-mail; null: everybody. */
  readonly who: string | null;
  /** Id of a provider; null: all of them. */
  readonly provider: string | null;
};

export type NamedSession = ListedSession & {
  /** Id of the provider that says who it is. */
  readonly provider: string | null;
};

/** @returns their sessions, newest use first; or what is wrong with the name of the provider */
export async function sessionsNamed(
  { who, provider }: Named,
  { list, providers }: NamedPeopleDeps,
): Promise<Result<readonly NamedSession[], string>> {
  const ids = [...providers.byIssuer.values()].map(({ id }) => id);
  if (provider !== null && !ids.includes(provider)) {
    return err(`there is no provider ${JSON.stringify(provider)}; there are ${ids.join(", ")}`);
  }
  const name = who === null ? null : spelled(who);
  const found = name !== null && isUserId(name) ? await list.ofUser(name) : await list.all();
  return ok(
    found
      .filter(({ userId, email }) => name === null || name === userId || name === email)
      .map((session) => ({ ...session, provider: providers.byIssuer.get(session.issuer)?.id ?? null }))
      .filter((session) => provider === null || provider === session.provider),
  );
}

/** As user ids and e-mails are spelled here. */
export function spelled(who: string): string {
  return who.trim().normalize("NFKC").toLowerCase();
}
