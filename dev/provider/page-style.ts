// The look of the embedded provider's pages: light and dark, from a phone's width on.

export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --page: #f4f5f7; --card: #ffffff; --text: #1b1f24; --quiet: #57606a; --line: #d5dae0;
  --accent: #1f5fd0; --on-accent: #ffffff; --notice: #fff4d6; --on-notice: #5c4300;
  --wrong: #ffe9e6; --on-wrong: #8a1c0f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --card: #1d2126; --text: #e8eaed; --quiet: #a3abb5; --line: #363c44;
    --accent: #7fb0ff; --on-accent: #0d1a30; --notice: #3a2f10; --on-notice: #ffe1a0;
    --wrong: #45201b; --on-wrong: #ffc9c1;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
}
main { max-width: 46rem; margin: 0 auto; padding: 2rem 1rem 4rem; }
h1 { margin: 0 0 .25rem; font-size: 1.6rem; line-height: 1.25; }
h2 { margin: 2rem 0 .75rem; font-size: 1.1rem; }
p { margin: .5rem 0; }
.quiet { color: var(--quiet); }
.notice, .wrong { margin: 1rem 0; padding: .75rem 1rem; border-radius: .5rem; }
.notice { background: var(--notice); color: var(--on-notice); }
.wrong { background: var(--wrong); color: var(--on-wrong); }
.people { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr)); gap: .75rem; margin: 0; padding: 0; list-style: none; }
.people form { height: 100%; }
.person {
  display: flex; flex-direction: column; justify-content: flex-start; width: 100%; height: 100%; padding: .875rem 1rem; text-align: left; cursor: pointer;
  font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .625rem;
}
.person:hover { border-color: var(--accent); }
.person .email { color: var(--quiet); font-size: .9rem; }
.person .gets { margin-top: .5rem; font-size: .95rem; }
.person .groups { margin-top: .25rem; color: var(--quiet); font-size: .85rem; }
.fields { display: grid; gap: .75rem; max-width: 24rem; padding: 1rem; background: var(--card); border: 1px solid var(--line); border-radius: .625rem; }
label { display: grid; gap: .25rem; font-size: .9rem; }
input { width: 100%; padding: .5rem .625rem; font: inherit; color: inherit; background: var(--page); border: 1px solid var(--line); border-radius: .375rem; }
.submit { justify-self: start; padding: .5rem 1.125rem; font: inherit; font-weight: 600; cursor: pointer; color: var(--on-accent); background: var(--accent); border: 0; border-radius: .375rem; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
@media (max-width: 24rem) { .people { grid-template-columns: 1fr; } }
`;
