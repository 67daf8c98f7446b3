// The state of the connection in words, with the next step. The countdown is outside of what a screen
// reader announces: it would speak every second.
import type { ConnectionState, Refusal } from "../client/index.ts";
import { readContact } from "../page/contact.ts";
import { keepFragment } from "../page/kept-fragment.ts";
import { loginPath } from "../page/login-path.ts";
import { stateWords } from "./state-words.ts";

type Props = { readonly connection: ConnectionState; readonly connect: () => void };

export function StateLine({ connection, connect }: Props) {
  const { word, more } = stateWords(connection);
  return (
    <div class={`state-line state-line-${connection.kind}`}>
      <p role="status">
        <strong class="state-word">{word}</strong>
        {more !== undefined && (
          <>
            {" "}
            <bdi>{more}</bdi>
          </>
        )}
      </p>
      {"inSeconds" in connection && (
        <div class="actions">
          <span aria-hidden="true">
            {connection.inSeconds === 0 ? "Trying now…" : `Trying again in ${connection.inSeconds} s`}
          </span>
          <button type="button" onClick={connect}>
            Try now
          </button>
          {connection.kind === "gateway_down" && <YourAgents />}
        </div>
      )}
      {connection.kind === "signed_out" && (
        <>
          <Details refusal={connection.refusal} />
          <div class="actions">
            <SignInAgain kind="primary" />
          </div>
        </>
      )}
      {connection.kind === "refused" && (
        <>
          <Details refusal={connection.refusal} />
          <p class="quiet">
            If that is wrong, ask <bdi>{connection.refusal.contact ?? readContact()}</bdi>.
          </p>
          <div class="actions">
            <YourAgents />
            <button type="button" onClick={connect}>
              Connect again
            </button>
            <SignInAgain kind="" />
          </div>
        </>
      )}
    </div>
  );
}

function Details({ refusal }: { readonly refusal: Refusal }) {
  if (refusal.requestId === null) return null;
  return (
    <p class="quiet">
      Request id <code>{refusal.requestId}</code>
    </p>
  );
}

function SignInAgain({ kind }: { readonly kind: "primary" | "" }) {
  return (
    <a class={`button ${kind}`} href={loginPath(location.pathname)} onClick={() => keepFragment()}>
      Sign in again
    </a>
  );
}

function YourAgents() {
  return (
    <a class="button" href="/">
      Your agents
    </a>
  );
}
