// The chat's start: reads agent and session from the address, joins client and page, and renders once per frame.
import { render } from "preact";
import { type ChatClient, type ChatView, createChatClient } from "../client/index.ts";
import { browserAfter, browserFetch, openBrowserSocket } from "../page/browser-deps.ts";
import { forgetDraftsAtSignOut } from "../page/drafts.ts";
import { takeFragment } from "../page/kept-fragment.ts";
import { outboxOf } from "../page/outbox.ts";
import { RefusalPanel } from "../page/refusal-panel.tsx";
import { watchAccount } from "./account.ts";
import { AccountName } from "./account-name.tsx";
import { ChatPage } from "./chat-page.tsx";
import { fragmentOf, sessionKeyFrom } from "./session-name.ts";

declare const __VERSION__: string;

const page = part("#page");
const header = part("#account");
// Written into the page, because it works without a script.
const signOut = part("header form");
start();

function part(selector: string): HTMLElement {
  const element = document.querySelector<HTMLElement>(selector);
  if (element === null) throw new Error(`the page has no ${selector}`);
  return element;
}

function start(): void {
  // What stood there until now.
  page.replaceChildren();
  const agent = /^\/chat\/([a-z0-9][a-z0-9-]{0,62})$/.exec(location.pathname)?.[1];
  if (agent === undefined) {
    render(<NoSuchAgent />, page);
    return;
  }
  // The target is always this page's own host: none is ever taken from the address (CVE-2026-25253).
  const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/agents/${agent}/ws`;
  let newest: ChatView | undefined;
  let isDue = false;
  /** The agent's name as the front door knows it, for as long as no gateway has told it. */
  let nameAtDoor: string | undefined;
  const drawSoon = () => {
    if (!isDue) requestAnimationFrame(() => draw());
    isDue = true;
  };
  const client: ChatClient = createChatClient(
    url,
    agent,
    {
      openSocket: openBrowserSocket,
      fetch: browserFetch,
      after: browserAfter,
      random: Math.random,
      newId: () => crypto.randomUUID(),
      outbox: outboxOf(agent),
      client: { version: __VERSION__, platform: "web" },
    },
    (view) => {
      newest = view;
      drawSoon();
    },
  );
  const door = { fetch: browserFetch, after: browserAfter };
  const account = watchAccount(door, (known) => {
    render(known === null ? null : <AccountName account={known} />, header);
    nameAtDoor = known?.agents.find(({ id }) => id === agent)?.name ?? nameAtDoor;
    drawSoon();
  });
  account.start();
  takeFragment();
  /** The session that the address names. */
  let opened = sessionKeyFrom(location.hash, agent);
  const draw = () => {
    isDue = false;
    if (newest === undefined) return;
    account.seen(newest);
    signOut.hidden = newest.connection.kind === "signed_out";
    // The client opens another one by itself when the one that was open is deleted.
    if (newest.sessionKey !== opened) {
      opened = newest.sessionKey;
      history.replaceState(null, "", fragmentOf(opened));
    }
    render(<ChatPage view={newest} client={client} agentName={nameAtDoor ?? agent} begin={begin} />, page);
  };
  window.addEventListener("hashchange", () => {
    opened = sessionKeyFrom(location.hash, agent);
    client.open(opened);
  });
  client.open(opened);
  client.connect();
  forgetDraftsAtSignOut();
  for (const change of ["online", "offline"]) window.addEventListener(change, client.wake);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") client.wake();
  });
}

function begin(): void {
  location.hash = crypto.randomUUID();
}

function NoSuchAgent() {
  const refusal = {
    message: "This address names no agent.",
    requestId: null,
    contact: null,
  };
  return (
    <RefusalPanel title="There is nothing here" refusal={refusal}>
      <a class="button" href="/">
        Your agents
      </a>
    </RefusalPanel>
  );
}
