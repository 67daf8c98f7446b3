// The frame of every page that the server writes itself: the look of the other pages, no inline style or script. What
// it says stands in it without JavaScript; a script of our own origin may only add to it.

type Extras = {
  /** Path of a module under /assets. */
  readonly script?: string;
};

/** @param main HTML: whoever calls has escaped what is in it */
export function page(title: string, main: string, { script }: Extras = {}): string {
  const scriptTag = script === undefined ? "" : `\n<script type="module" src="${script}"></script>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)} · Gatehouse</title>
<link rel="icon" href="/assets/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/pages.css">${scriptTag}
</head>
<body>
<header class="site-header"><a class="brand" href="/"><img src="/assets/mark.svg" alt="" width="28" height="28"> Gatehouse</a></header>
<main>
${main}
</main>
</body>
</html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
  // A parser drops it, and what is dropped can no longer be seen.
  "\0": "\ufffd",
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"'\0]/g, (character) => ENTITIES[character] ?? "");
}
