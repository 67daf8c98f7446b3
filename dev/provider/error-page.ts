// What the embedded provider shows when a request of an application, or of a browser, is wrong.
import { escapeHtml, type Page } from "./page.ts";

export type ProviderFailure = { readonly error: string; readonly error_description?: string | undefined };

/** @param failure untrusted: it may quote the request */
export function errorPage({ error, error_description }: ProviderFailure): Page {
  return {
    title: "Demonstration sign-in failed",
    body: `<h1>Demonstration sign-in failed</h1>
<p class="wrong" role="alert"><code>${escapeHtml(error)}</code> ${escapeHtml(error_description ?? "")}</p>
<p>Go back to the application and start once more.</p>`,
  };
}
