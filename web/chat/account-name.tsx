// As whom one is signed in, in the header: the name in one line, what tells it from others below it.
import type { Account } from "./account.ts";

export function AccountName({ account }: { readonly account: Account }) {
  const { id, name, email, provider } = account;
  const hasBoth = name !== null && email !== null;
  return (
    <p class="account">
      <span class="visually-hidden">Signed in as </span>
      {name === null && email !== null ? <Email email={email} /> : <bdi>{name ?? id}</bdi>}
      {(provider !== null || hasBoth) && (
        <span class="account-more quiet">
          <span class="visually-hidden">, </span>
          {provider !== null && (
            <span class="account-provider">
              with <bdi>{provider}</bdi>
            </span>
          )}
          {provider !== null && hasBoth && <span class="account-comma">, </span>}
          {hasBoth && <Email email={email} />}
        </span>
      )}
    </p>
  );
}

/** Broken before its domain or not at all: in the middle of a word it reads as another address. */
function Email({ email }: { readonly email: string }) {
  const domainAt = email.lastIndexOf("@") + 1;
  return (
    <bdi class="account-email">
      {email.slice(0, domainAt)}
      <wbr />
      {email.slice(domainAt)}
    </bdi>
  );
}
