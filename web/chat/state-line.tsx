// The state of the connection in words, with the next step. The countdown is outside of what a screen
// reader announces: it would speak every second.
import type { ConnectionState } from "../client/gateway-client.ts";
import { readContact } from "../page/contact.ts";
import { loginPath } from "../page/login-path.ts";

const WORDS: Record<ConnectionState["kind"], string> = {
  connecting: "Connecting",
  connected: "Connected",
  reconnecting: "Reconnecting",
  gateway_down: "Gateway down",
  signed_out: "Signed out",
  refused: "Refused",
};

type Props = { readonly connection: ConnectionState; readonly connect: () => void };

export function StateLine({ connection, connect }: Props) {
  const message = "message" in connection ? connection.message : undefined;
  const refusal = "refusal" in connection ? connection.refusal : undefined;
  return (
    <div class={`state-line state-line-${connection.kind}`}>
      <p role="status">
        <strong class="state-word">{WORDS[connection.kind]}</strong>
        {message !== undefined && (
          <>
            {" "}
            <bdi>{message}</bdi>
          </>
        )}
        {refusal !== undefined && (
          <>
            {" "}
            <bdi>{refusal.message}</bdi>
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
        </div>
      )}
      {refusal !== undefined && (
        <>
          {refusal.requestId !== null && (
            <p class="quiet">
              Request id <code>{refusal.requestId}</code>
            </p>
          )}
          {connection.kind === "refused" && (
            <p class="quiet">
              If that is wrong, ask <bdi>{refusal.contact ?? readContact()}</bdi>.
            </p>
          )}
          <div class="actions">
            <a class="button primary" href={loginPath(location.pathname)}>
              Sign in again
            </a>
            <button type="button" onClick={connect}>
              Connect again
            </button>
            <a class="button" href="/">
              Your agents
            </a>
          </div>
        </>
      )}
    </div>
  );
}
