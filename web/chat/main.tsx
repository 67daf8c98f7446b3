// The chat's start: reads the agent from the address, joins client and page, and renders once per frame.
import { render } from "preact";
import { type ChatClient, type ChatView, createChatClient } from "../client/chat-client.ts";
import { browserAfter, browserFetch, openBrowserSocket } from "../page/browser-deps.ts";
import { RefusalPanel } from "../page/refusal-panel.tsx";
import { ChatPage } from "./chat-page.tsx";

declare const __VERSION__: string;

const root = document.getElementById("page");
if (root === null) throw new Error("the page has no #page");
start(root);

function start(page: HTMLElement): void {
  const agent = /^\/chat\/([a-z0-9][a-z0-9-]{0,62})$/.exec(location.pathname)?.[1];
  if (agent === undefined) {
    render(<NoSuchAgent />, page);
    return;
  }
  // The target is always this page's own host: none is ever taken from the address (CVE-2026-25253).
  const url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/agents/${agent}/ws`;
  let newest: ChatView | undefined;
  const client: ChatClient = createChatClient(
    url,
    agent,
    {
      openSocket: openBrowserSocket,
      fetch: browserFetch,
      after: browserAfter,
      random: Math.random,
      newId: () => crypto.randomUUID(),
      client: { version: __VERSION__, platform: "web" },
    },
    (view) => {
      if (newest === undefined) requestAnimationFrame(() => draw());
      newest = view;
    },
  );
  const draw = () => {
    if (newest !== undefined) render(<ChatPage view={newest} client={client} agent={agent} />, page);
    newest = undefined;
  };
  client.connect();
  window.addEventListener("online", client.wake);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") client.wake();
  });
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
