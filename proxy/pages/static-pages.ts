// The built pages of web/: two HTML files, read once, and their hashed assets.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import express, { type RequestHandler } from "express";
import { escapeHtml } from "../refuse/page.ts";

export type StaticPages = { readonly portal: string; readonly chat: string; readonly assets: RequestHandler };

/** @param folder `dist/web`; a missing build is the operator's mistake and throws */
export function readStaticPages(folder: string, contact: string): StaticPages {
  const read = (name: string) =>
    readFileSync(join(folder, name), "utf8").replaceAll("__CONTACT__", escapeHtml(contact));
  return {
    portal: read("portal.html"),
    chat: read("chat.html"),
    assets: onlyAssets(
      express.static(folder, {
        dotfiles: "deny",
        index: false,
        redirect: false,
        // Hashed names never change their content; the few stable ones are asked for again.
        setHeaders: (response, path) => {
          const hashed = /-[A-Za-z0-9_-]{8}\.\w+$/.test(path);
          response.setHeader("cache-control", hashed ? "public, max-age=31536000, immutable" : "no-cache");
        },
      }),
    ),
  };
}

// The pages themselves are answered by their own paths only: to those who are signed in, and filled in.
function onlyAssets(serve: RequestHandler): RequestHandler {
  return (incoming, response, next) =>
    /\.(js|css|svg)$/.test(incoming.path) ? serve(incoming, response, next) : next();
}
