// As whom one is signed in, in the header: the name in one line, what tells it from others in a second one.
import type { Account } from "./account.ts";

export function AccountName({ account }: { readonly account: Account }) {
  const { id, name, email, provider } = account;
  const hasBoth = name !== null && email !== null;
  return (
    <p class="account">
      <span class="visually-hidden">Signed in as </span>
      <bdi>{name ?? email ?? id}</bdi>
      {(provider !== null || hasBoth) && (
        <span class="account-more quiet">
          <span class="visually-hidden">, </span>
          {provider !== null && (
            <>
              with <bdi>{provider}</bdi>
            </>
          )}
          {provider !== null && hasBoth && ", "}
          {hasBoth && <bdi>{email}</bdi>}
        </span>
      )}
    </p>
  );
}
