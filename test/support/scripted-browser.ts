// A browser without a screen: cookies, redirects and forms over real connections, and the headers that real
// browsers send with navigations. It runs no scripts.
import type { IncomingHttpHeaders } from "node:http";
import { request } from "undici";
import { type CookieJar, createCookieJar } from "./cookie-jar.ts";

export type PageAnswer = {
  /** Where the last redirect ended. */
  readonly url: URL;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
};

export type Navigation = {
  readonly method?: "GET" | "POST";
  /** Sent as `application/x-www-form-urlencoded`. */
  readonly form?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  /** Where the navigation starts: becomes `Origin` of a POST. */
  readonly from?: URL;
};

export type ScriptedBrowser = {
  readonly jar: CookieJar;
  /** Follows redirects until an answer is none, or until one leads to where `stopAt` says: that one is answered. */
  open(url: string | URL, navigation?: Navigation, stopAt?: (next: URL) => boolean): Promise<PageAnswer>;
  /** Exactly one request. */
  send(url: string | URL, navigation?: Navigation): Promise<PageAnswer>;
};

const MAX_REDIRECTS = 20;

export function createScriptedBrowser(): ScriptedBrowser {
  const jar = createCookieJar();

  async function send(target: string | URL, navigation: Navigation = {}): Promise<PageAnswer> {
    const url = new URL(target);
    const { form, from, method = form === undefined ? "GET" : "POST" } = navigation;
    const cookie = jar.header(url);
    const answer = await request(url, {
      method,
      headers: {
        accept: "text/html,application/xhtml+xml,*/*;q=0.8",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
        ...(cookie === "" ? {} : { cookie }),
        ...(form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
        ...(method === "POST" && from !== undefined ? { origin: from.origin } : {}),
        ...navigation.headers,
      },
      body: form === undefined ? null : new URLSearchParams(form).toString(),
    });
    const setCookie = answer.headers["set-cookie"] ?? [];
    jar.store(url, typeof setCookie === "string" ? [setCookie] : setCookie);
    return { url, status: answer.statusCode, headers: answer.headers, body: await answer.body.text() };
  }

  return {
    jar,
    send,
    async open(target, navigation, stopAt = () => false) {
      let answer = await send(target, navigation);
      for (let count = 0; count < MAX_REDIRECTS; count += 1) {
        const next = redirectOf(answer);
        if (next === undefined || stopAt(next)) return answer;
        answer = await send(next);
      }
      throw new Error(`more than ${MAX_REDIRECTS} redirects, the last one to ${answer.url}`);
    },
  };
}

/** Where an answer redirects to, without waiting where it says to wait; undefined when it does not. */
export function redirectOf({ url, status, headers }: PageAnswer): URL | undefined {
  const { location, refresh } = headers;
  const later = /^\d+;url=(.*)$/.exec(String(refresh ?? ""))?.[1];
  if (later !== undefined) return new URL(later, url);
  return status >= 300 && status < 400 && location !== undefined ? new URL(location, url) : undefined;
}

export type Form = { readonly action: URL; readonly fields: Readonly<Record<string, string>> };

/** The forms of a page, with the fields that have a value. Reads our own pages, not HTML in general. */
export function formsOf({ url, body }: PageAnswer): readonly Form[] {
  return [...body.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)].map(([, attributes = "", content = ""]) => {
    const inputs = [...content.matchAll(/<input\b([^>]*)>/g)].map(([, input = ""]) => input);
    const fields = inputs.flatMap((input) => {
      const name = attributeOf(input, "name");
      return name === undefined ? [] : [[name, attributeOf(input, "value") ?? ""] as const];
    });
    return {
      action: new URL(attributeOf(attributes, "action") ?? "", url),
      fields: Object.fromEntries(fields),
    };
  });
}

function attributeOf(tag: string, name: string): string | undefined {
  const text = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];
  return text
    ?.replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");
}
