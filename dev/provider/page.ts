// The frame of every page of the embedded provider: one strict policy, nothing loaded from anywhere.
import { createHash } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { KoaContextWithOIDC } from "oidc-provider";
import { PAGE_STYLE } from "./page-style.ts";

export type Page = {
  readonly title: string;
  /** HTML; every value in it went through {@link escapeHtml}. */
  readonly body: string;
  /** Runs at the end of the page; the page must work without it. */
  readonly script?: string;
  /** Where a form's answer may redirect to: browsers hold `form-action` against redirects too. */
  readonly formTargets?: readonly string[];
};

export function showPage(context: KoaContextWithOIDC, page: Page): void {
  context.set(headersOf(page));
  context.body = htmlOf(page);
}

export function sendPage(response: ServerResponse, status: number, page: Page): void {
  response.writeHead(status, headersOf(page)).end(htmlOf(page));
}

const HTML_ESCAPES = new Map([
  ["&", "&amp;"],
  ["<", "&lt;"],
  [">", "&gt;"],
  ['"', "&quot;"],
  ["'", "&#39;"],
]);

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => HTML_ESCAPES.get(character) ?? "");
}

function headersOf({ script, formTargets = [] }: Page): Record<string, string> {
  const policy = [
    "default-src 'none'",
    `style-src '${hashOf(PAGE_STYLE)}'`,
    `script-src ${script === undefined ? "'none'" : `'${hashOf(script)}'`}`,
    `form-action ${["'self'", ...formTargets.map((url) => new URL(url).origin)].join(" ")}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ];
  return {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": policy.join("; "),
    "cache-control": "no-store",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
  };
}

function hashOf(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

function htmlOf({ title, body, script }: Page): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(title)}</title>
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
${body}
</main>
${script === undefined ? "" : `<script>${script}</script>`}
</body>
</html>
`;
}
