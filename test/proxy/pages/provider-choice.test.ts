import { expect, it } from "vitest";
import { type Choice, providerChoicePage } from "../../../proxy/pages/provider-choice.ts";

const choice = (id: string, changes: Partial<Choice> = {}): Choice => ({
  id,
  name: id.toUpperCase(),
  href: `/auth/login?return_to=%2F&provider=${id}`,
  silent: false,
  ...changes,
});

const itemsOf = (html: string) => [...html.matchAll(/<li>(.*?)<\/li>/g)].map(([, item]) => item);

it("is a list of links in the order of the configuration, the one last used first and marked", () => {
  const choices = [choice("a"), choice("b"), choice("c")];
  const link = (id: string, look = "button", note = "") =>
    `<a class="${look}" href="/auth/login?return_to=%2F&amp;provider=${id}"><bdi>${id.toUpperCase()}</bdi>${note}</a>`;
  expect(itemsOf(providerChoicePage(choices, undefined, "IT"))).toEqual([link("a"), link("b"), link("c")]);
  const last = link("b", "button primary", ' <span class="note">last used</span>');
  expect(itemsOf(providerChoicePage(choices, "b", "IT"))).toEqual([last, link("a"), link("c")]);
  expect(itemsOf(providerChoicePage(choices, "gone", "IT"))).toEqual([link("a"), link("b"), link("c")]);
});

it("says of a provider that it does not answer, and offers it all the same", () => {
  const [first, second] = itemsOf(
    providerChoicePage([choice("a", { silent: true }), choice("b", { silent: true })], "b", "IT"),
  );
  expect([first, second]).toEqual([
    expect.stringContaining('<span class="note">last used, not answering at the moment</span>'),
    expect.stringContaining('<span class="note">not answering at the moment</span>'),
  ]);
});

it("shows names and contact as text, whatever is in them", () => {
  const hostile = `"><script>alert(1)</script>\u202e\0&amp;`;
  const html = providerChoicePage([choice("a", { name: hostile }), choice("b")], undefined, hostile);
  expect(html).not.toContain("<script>");
  expect(html).toContain(
    "<bdi>&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;[U+202E][U+0000]&amp;amp;</bdi></a>",
  );
});
