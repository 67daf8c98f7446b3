// The address's fragment over a sign-in, which loses it: no server sees it, and the way back has only a path. In this
// tab's own storage, for the same path, and used once.
import { LOGIN_PATH } from "./login-path.ts";

const NAME = "fragment to come back to";

type Place = Pick<Location, "pathname" | "hash">;

/** Before leaving this page to sign in. */
export function keepFragment(page: Place = location, storage: Storage = sessionStorage): void {
  try {
    if (page.hash !== "") storage.setItem(NAME, `${page.pathname}${page.hash}`);
  } catch {
    // Full: the way back ends at the page without it.
  }
}

/** On the page that a sign-in came back to. What the fragment means is for whoever reads it to judge. */
export function takeFragment(page: Place = location, storage: Storage = sessionStorage): void {
  const kept = storage.getItem(NAME);
  storage.removeItem(NAME);
  if (page.hash === "" && kept?.startsWith(`${page.pathname}#`))
    history.replaceState(null, "", kept.slice(page.pathname.length));
}

/**
 * Before going on from a page of the server's own, which stands where its visitor was going.
 * @param link where it leads: there at once, or by way of a sign-in
 */
export function keepFragmentFor(
  link: string,
  page: Place = location,
  storage: Storage = sessionStorage,
): void {
  const { origin, pathname, searchParams } = new URL(link);
  const returnTo = pathname === LOGIN_PATH ? searchParams.get("return_to") : null;
  keepFragment(
    { pathname: returnTo === null ? pathname : new URL(returnTo, origin).pathname, hash: page.hash },
    storage,
  );
}
