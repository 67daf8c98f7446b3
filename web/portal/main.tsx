// The portal's start: asks who I am, renders the answer, and asks again when the page comes back into view.
import { render } from "preact";
import { askMe, type MeOutcome } from "../client/ask-me.ts";
import { browserAfter, browserFetch } from "../page/browser-deps.ts";
import { loginPath } from "../page/login-path.ts";
import { PortalPage } from "./portal-page.tsx";

const root = document.getElementById("page");
if (root === null) throw new Error("the page has no #page");
const page = root;

show(null);
void refresh();
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") void refresh();
});
// A page from the back-forward cache may show a session that has ended since.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) void refresh();
});

async function refresh(): Promise<void> {
  const outcome = await askMe({ fetch: browserFetch, after: browserAfter });
  if (outcome.kind === "signed_out") return location.assign(loginPath("/"));
  show(outcome);
}

function show(outcome: MeOutcome | null): void {
  const tryAgain = () => {
    show(null);
    void refresh();
  };
  render(<PortalPage outcome={outcome} tryAgain={tryAgain} />, page);
}
