import { expect, test } from "vitest";
import { escapeHtml, page } from "../../../proxy/refuse/page.ts";

test("text from outside cannot become markup", () => {
  expect(escapeHtml(`<script>alert("x")</script> & 'y'`)).toBe(
    "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &#39;y&#39;",
  );
  expect(escapeHtml("Zoë 😀 `x`")).toBe("Zoë 😀 `x`");
  expect(escapeHtml("a\0b")).toBe("a\ufffdb");
});

test("a page escapes its title, keeps its main part, and holds neither script nor style", () => {
  const html = page("</title><script>", "<h1>Hello</h1>");
  expect(html).toContain("<title>&lt;/title&gt;&lt;script&gt; · Gatehouse</title>");
  expect(html).toContain("<main>\n<h1>Hello</h1>\n</main>");
  expect(html).not.toMatch(/<script|<style|\sstyle=|\son\w+=/);
});

test("a page's script is a file of this origin, beside a page that is whole without it", () => {
  const html = page("Hello", "<h1>Hello</h1>", { script: "/assets/refusal.js" });
  expect(html).toContain('<script type="module" src="/assets/refusal.js"></script>\n</head>');
});
