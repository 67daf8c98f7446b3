// The portal's start: asks who I am and where I am signed in, renders the answers, and asks again when the page
// comes back into view.
import { render } from "preact";
import { askMe, type MeOutcome } from "../client/ask-me.ts";
import { endMyOtherSessions, endMySession, listMySessions, type MySession } from "../client/my-sessions.ts";
import { browserAfter, browserFetch } from "../page/browser-deps.ts";
import { forgetDraftsAtSignOut } from "../page/drafts.ts";
import { loginPath } from "../page/login-path.ts";
import { PortalPage } from "./portal-page.tsx";

const root = document.getElementById("page");
if (root === null) throw new Error("the page has no #page");
const page = root;
const door = { fetch: browserFetch, after: browserAfter };

let outcome: MeOutcome | null = null;
let sessions: readonly MySession[] | null = null;
let notice: string | null = null;

show();
void refresh();
forgetDraftsAtSignOut();
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") void refresh();
});
// A page from the back-forward cache may show a session that has ended since.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) void refresh();
});

async function refresh(): Promise<void> {
  const asked = await askMe(door);
  if (asked.kind === "signed_out") return location.assign(loginPath("/"));
  outcome = asked;
  show();
  if (asked.kind === "signed_in") await refreshSessions();
}

async function refreshSessions(): Promise<void> {
  sessions = (await listMySessions(door)) ?? null;
  show();
}

async function afterEnding(ended: Promise<boolean>): Promise<void> {
  notice = (await ended) ? null : "That did not work. Try again.";
  await refreshSessions();
}

function show(): void {
  const tryAgain = () => {
    outcome = null;
    show();
    void refresh();
  };
  render(
    <PortalPage
      outcome={outcome}
      tryAgain={tryAgain}
      sessions={{
        sessions,
        notice,
        end: (sid) => void afterEnding(endMySession(door, sid)),
        endOthers: () => void afterEnding(endMyOtherSessions(door)),
      }}
    />,
    page,
  );
}
