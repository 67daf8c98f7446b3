// Builds the pages in web/ into dist/web: nothing inline, so that a strict CSP holds. File names carry a hash
// of their content, except those that server-rendered pages link to.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { defineConfig } from "vite";

const STABLE_NAMES = ["pages.css", "mark.svg"];
const STABLE_SCRIPTS = ["refusal", "choice"];
const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };

export default defineConfig({
  root: "web",
  base: "/assets/",
  publicDir: false,
  define: { __VERSION__: JSON.stringify(version) },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../dist/web",
    emptyOutDir: true,
    assetsDir: ".",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: {
        portal: resolve("web/portal.html"),
        chat: resolve("web/chat.html"),
        pages: resolve("web/pages.css"),
        refusal: resolve("web/refusal/main.ts"),
        choice: resolve("web/choice/main.ts"),
      },
      output: {
        entryFileNames: ({ name }) => (STABLE_SCRIPTS.includes(name) ? "[name].js" : "[name]-[hash].js"),
        assetFileNames: (asset) =>
          asset.names.some((name) => STABLE_NAMES.includes(name))
            ? "[name][extname]"
            : "[name]-[hash][extname]",
      },
    },
  },
});
