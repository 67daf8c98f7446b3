// Whom to ask, as the front door wrote it into the page.

/** Plain text from the operator's configuration. */
export function readContact(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="contact"]')?.content ?? "";
}
