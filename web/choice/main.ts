// What script adds to the choice between providers: the address's fragment is there again after the sign-in, and whoever
// has signed in meanwhile in another tab goes on. Without it the links do what they say.
import { browserFetch } from "../page/browser-deps.ts";
import { keepFragmentFor } from "../page/kept-fragment.ts";
import { leadsElsewhere } from "./leads-elsewhere.ts";

const link = document.querySelector<HTMLAnchorElement>(".choices a");
if (link !== null) keepFragmentFor(link.href);

async function goOnIfSignedIn(): Promise<void> {
  if (await leadsElsewhere(browserFetch, location.href)) location.reload();
}

document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") void goOnIfSignedIn();
});
// A window beside another one was in view all the time.
window.addEventListener("focus", () => void goOnIfSignedIn());
