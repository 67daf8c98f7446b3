// The portal's start: joins what it knows with the page, and tells it when somebody looks.
import { render } from "preact";
import { browserAfter, browserFetch } from "../page/browser-deps.ts";
import { forgetDraftsAtSignOut } from "../page/drafts.ts";
import { loginPath } from "../page/login-path.ts";
import { createPortal } from "./portal.ts";
import { PortalPage } from "./portal-page.tsx";

const root = document.getElementById("page");
if (root === null) throw new Error("the page has no #page");
const page = root;
const signOut = document.querySelector<HTMLFormElement>("header form");
// What stood there until now.
page.replaceChildren();

const portal = createPortal({
  fetch: browserFetch,
  after: browserAfter,
  show(view) {
    // Written into the page, because it works without a script; who is out needs no way out.
    if (signOut !== null) signOut.hidden = view.outcome?.kind === "signed_out";
    render(<PortalPage view={view} portal={portal} />, page);
  },
  toLogin: () => location.assign(loginPath("/")),
});

portal.arrive();
forgetDraftsAtSignOut();
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") portal.arrive();
  else portal.leave();
});
// A page from the back-forward cache may show a session that has ended since.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) portal.arrive();
});
for (const sign of ["pointerdown", "keydown"]) document.addEventListener(sign, () => portal.stir());
