// Whether the server would send whoever asks for this page on to another one by now. No page.
import type { Fetch } from "../client/ask-door.ts";

/** False also when nobody answers: the page stays as it is. */
export async function leadsElsewhere(fetch: Fetch, href: string): Promise<boolean> {
  try {
    const { type } = await fetch(href, {
      method: "HEAD",
      credentials: "same-origin",
      cache: "no-store",
      redirect: "manual",
    });
    return type === "opaqueredirect";
  } catch {
    return false;
  }
}
