// Holds the rules that make a change stay where it belongs: which room may import which, and the few files that may
// read the environment, the clock, or the network. Each rule is tried on a small file that breaks it.
import { describe, expect, it, test } from "vitest";
import { codeOf, importsOf, type SourceFile, sourceFiles } from "./source-scan.ts";

const EVERYTHING = ["core", "config", "store", "token-exchange", "proxy", "gateway", "cli", "dev"];

/** Room → rooms that it may import, beside itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  config: ["core"],
  store: ["core"],
  "token-exchange": ["core", "config"],
  proxy: ["core", "config", "token-exchange"],
  gateway: ["core", "config"],
  // Types of core alone, which are gone when it runs in a browser.
  web: ["core"],
  cli: EVERYTHING,
  dev: EVERYTHING,
};
const ROOMS = Object.keys(MAY_IMPORT);

/** Who may open a connection to somewhere, and what for. A path that ends in `/` is a folder. */
const REACHES_OUT: Readonly<Record<string, string>> = {
  "proxy/route/connect-endpoint.ts": "every connection to a gateway",
  "proxy/route/health.ts": "asks gateways whether they are up",
  "proxy/control/": "the control channel to gateways",
  "proxy/pages/relying-party.ts": "the login's requests to the provider, through a fetch that it is given",
  "token-exchange/provider-fetch.ts": "that fetch",
  "token-exchange/capped-json.ts": "the provider's documents, through a fetch that it is given",
  "token-exchange/provider-clock.ts": "that fetch, to note what time the provider says it is",
  "cli/control-client.ts": "a running front door's control socket, a file on this host",
  "core/folder-lock.ts": "a socket file, to ask whether another process holds the folder",
  "gateway/agents/claude.ts": "the Claude API",
  "dev/provider/configuration.ts": "the embedded provider's calls to the door",
  "web/page/browser-deps.ts": "the browser's own requests, to its own origin",
  "web/refusal/retry.ts": "asks again for a page that was refused for now, through a fetch that it is given",
  "web/choice/leads-elsewhere.ts":
    "asks for its own page, to learn of a sign-in, through a fetch that it is given",
  "web/client/ask-door.ts": "the door's own API, through a fetch that it is given",
};

type Rule = {
  readonly name: string;
  readonly faults: (file: SourceFile) => readonly string[];
  /** Files that break it. */
  readonly broken: readonly SourceFile[];
};

/** Only what shows markdown knows of the package that reads it. */
function isMarkdown(path: string): boolean {
  return path === "web/chat/markdown-blocks.ts" || path === "web/chat/markdown.tsx";
}

function file(path: string, text: string): SourceFile {
  return { path, text };
}

function roomOf(path: string): string {
  return path.split("/")[0] ?? "";
}

/** The matches of a pattern in the code, unless this is one of the files that may. */
function saidOnlyIn(pattern: RegExp, allowed: readonly string[]) {
  return ({ path, text }: SourceFile) => {
    if (allowed.some((place) => (place.endsWith("/") ? path.startsWith(place) : path === place))) return [];
    return [...codeOf(text).matchAll(pattern)].map(([said]) => said);
  };
}

/** Whatever a file has with which it could open a connection. */
function waysOut({ path, text }: SourceFile): string[] {
  const modules = importsOf({ path, text }).filter(({ from, names, typeOnly }) => {
    if (typeOnly) return false;
    const values = names.replace(/\btype\s+\w+/g, "");
    if (from === "node:net")
      return /\b(connect|createConnection|Socket)\b/.test(values) || !names.startsWith("{");
    // A listener's half of TLS reaches nobody.
    if (from === "node:https" || from === "node:tls") {
      const reaching = values.replace(/\b(createServer|createSecureContext)\b( as \w+)?/g, "");
      return /\w/.test(reaching);
    }
    if (from === "ws") return /\bWebSocket\b/.test(values) || !names.startsWith("{");
    return /^(undici|node:(http2|dgram|dns.*|child_process)|@anthropic-ai\/sdk|express-openid-connect)$/.test(
      from,
    );
  });
  const calls = codeOf(text).matchAll(
    /(?<![\w$.])fetch\(|\bhttps?\)?\.(?:request|get)\(|\bnew (?:WebSocket|EventSource)\(/g,
  );
  return [...modules.map(({ from }) => from), ...[...calls].map(([call]) => call)];
}

const RULES: readonly Rule[] = [
  {
    name: "a room imports only the rooms that it may",
    faults: (source) =>
      importsOf(source).flatMap(({ file: imported }) => {
        if (imported === undefined) return [];
        const [own, other] = [roomOf(source.path), roomOf(imported)];
        return own === other || MAY_IMPORT[own]?.includes(other) === true ? [] : [imported];
      }),
    broken: [
      file("core/a.ts", 'import { b } from "../config/b.ts";'),
      file("config/a.ts", 'import type { B } from "../store/b.ts";'),
      file("gateway/admit/a.ts", 'import { b } from "../../proxy/b.ts";'),
      file("proxy/a.ts", 'import {\n  b,\n  c,\n} from "../gateway/b.ts";'),
      file("proxy/a.ts", 'export { b } from "../store/embedded.ts";'),
      file("token-exchange/a.ts", 'import "../proxy/b.ts";'),
      file("proxy/pages/a.ts", 'const b = await import("../../dev/demo.ts");'),
      file("core/a.ts", 'import { b } from "../test/support/b.ts";'),
      file("web/a.ts", 'import type { B } from "../config/b.ts";'),
    ],
  },
  {
    name: "pages take nothing but types from core, and nothing of Node's",
    faults: (source) =>
      roomOf(source.path) !== "web"
        ? []
        : importsOf(source).flatMap(({ from, file: imported, typeOnly }) => {
            const ofCore = imported?.startsWith("core/") === true && !typeOnly;
            const mayUse = isMarkdown(source.path) ? /^(preact(\/|$)|marked$)/ : /^preact(\/|$)/;
            const ofPackage = imported === undefined && !mayUse.test(from);
            return ofCore || ofPackage ? [from] : [];
          }),
    broken: [
      file("web/a.ts", 'import { PROTOCOL_VERSION } from "../core/gateway-protocol.ts";'),
      file("web/a.ts", 'import { type MeAnswer } from "../core/api.ts";'),
      file("web/a.ts", 'import { readFileSync } from "node:fs";'),
      file("web/a.tsx", 'import { useState } from "react";'),
      file("web/client/a.ts", 'import { Lexer } from "marked";'),
      file("web/chat/a.ts", 'import type { Token } from "marked";'),
    ],
  },
  {
    name: "imports of ours end in the file's own name",
    faults: (source) =>
      importsOf(source).flatMap(({ file: imported }) =>
        imported === undefined || /\.(tsx?|css|json)$/.test(imported) ? [] : [imported],
      ),
    broken: [file("core/a.ts", 'import { b } from "./b";'), file("core/a.ts", 'import { b } from "./b.js";')],
  },
  {
    name: "only the command reads the environment",
    faults: saidOnlyIn(/\bprocess\s*\.\s*env\b|\bfrom "node:process"/g, ["cli/gatehouse.ts"]),
    broken: [
      file("proxy/a.ts", "const port = process.env.PORT;"),
      file("cli/demo-command.ts", 'const key = process.env["KEY"];'),
      file("core/a.ts", 'import { env } from "node:process";'),
    ],
  },
  {
    name: "only the clock reads the time",
    faults: saidOnlyIn(/\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bhrtime\b/g, ["core/clock.ts"]),
    broken: [
      file("proxy/a.ts", "const now = Date.now();"),
      file("gateway/a.ts", "const now = new Date();"),
      file("gateway/a.ts", "const clock = { now: Date.now };"),
      file("core/audit.ts", "const start = performance.now();"),
    ],
  },
  {
    name: "only a few files open connections",
    faults: (source) => (isNamed(source.path, REACHES_OUT) ? [] : waysOut(source)),
    broken: [
      file("proxy/a.ts", "const answer = await fetch(url);"),
      file("proxy/a.ts", 'import { request } from "undici";'),
      file("gateway/a.ts", 'import https from "node:https";'),
      file("gateway/a.ts", 'import http from "node:http";\nhttp.request(url);'),
      file("gateway/a.ts", 'import http from "node:http";\n(url.secure ? https : http).request(url);'),
      file("proxy/a.ts", 'import { connect, type Socket } from "node:net";'),
      file("proxy/a.ts", 'import net from "node:net";'),
      file("proxy/a.ts", 'import { createServer, request } from "node:https";'),
      file("proxy/a.ts", 'import { connect, createSecureContext } from "node:tls";'),
      file("proxy/a.ts", 'import { lookup } from "node:dns/promises";'),
      file("proxy/a.ts", 'import { WebSocket } from "ws";'),
      file("web/chat/a.ts", "const socket = new WebSocket(url);"),
      file("config/a.ts", 'import { spawn } from "node:child_process";'),
    ],
  },
  {
    name: "only a stage that has proved an identity vouches for it",
    faults: saidOnlyIn(/\bvouchFor\b/g, ["core/identity.ts", "proxy/identify/", "token-exchange/"]),
    broken: [
      file("proxy/app.ts", "const identity = vouchFor(claims);"),
      file("gateway/a.ts", 'import { vouchFor } from "../core/identity.ts";'),
    ],
  },
  {
    name: "a file is named for its one idea",
    faults: ({ path }) => {
      const name = path.split("/").at(-1) ?? "";
      const kebab = /^[a-z0-9]+(-[a-z0-9]+)*\.tsx?$/.test(name);
      const vague = /(^|-)(utils?|helpers?|common|shared|misc|types?|managers?|services?)[-.]/.test(name);
      return kebab && !vague ? [] : [name];
    },
    broken: [
      "utils.ts",
      "string-utils.ts",
      "session-manager.ts",
      "types.ts",
      "helpers.ts",
      "fooBar.ts",
      "Foo.ts",
    ].map((name) => file(`core/${name}`, "")),
  },
  {
    name: "a file begins by saying what it is for",
    faults: ({ text }) => (/^(#![^\n]*\n)?\/\/ \S/.test(text) ? [] : [text.split("\n")[0] ?? ""]),
    broken: [
      file("core/a.ts", 'import "./b.ts";\n// late'),
      file("core/a.ts", ""),
      file("core/a.ts", "#!/usr/bin/env node\n"),
    ],
  },
  {
    name: "a file has at most 300 lines",
    faults: ({ text }) => (text.trimEnd().split("\n").length > 300 ? ["too long"] : []),
    broken: [file("core/a.ts", "// x\n".repeat(301))],
  },
  {
    name: "nothing is put off, and nothing silences the checks",
    faults: ({ text }) =>
      [...text.matchAll(/\b(?:TODO|FIXME|XXX|HACK)\b|@ts-(?:ignore|nocheck|expect-error)/g)].map(
        ([said]) => said,
      ),
    broken: [file("core/a.ts", "// TODO: later"), file("core/a.ts", "// @ts-ignore\n")],
  },
];

function isNamed(path: string, list: Readonly<Record<string, string>>): boolean {
  return Object.keys(list).some((place) => (place.endsWith("/") ? path.startsWith(place) : path === place));
}

const SOURCE = sourceFiles(ROOMS);

describe.each(RULES)("$name", ({ faults, broken }) => {
  it("in every file", () => {
    const found = SOURCE.flatMap((source) => faults(source).map((fault) => `${source.path}: ${fault}`));
    expect(found).toEqual([]);
  });

  it.each(broken)("and a file that breaks it is found: $path, $text", (source) => {
    expect(faults(source)).not.toEqual([]);
  });
});

test("every room is read", () => {
  const rooms = new Set(SOURCE.map(({ path }) => roomOf(path)));
  expect([...rooms]).toEqual(ROOMS);
  expect(SOURCE.length).toBeGreaterThan(150);
});

test("whoever may open connections does: the list holds nobody else", () => {
  const places = Object.keys(REACHES_OUT);
  const using = places.filter((place) =>
    SOURCE.some((source) => isNamed(source.path, { [place]: "" }) && waysOut(source).length > 0),
  );
  expect(using).toEqual(places);
});

describe("reading source", () => {
  it("takes comments out, and nothing that only looks like one", () => {
    const text = [
      'const url = "http://x"; // a comment',
      "const quote = /[\"'`/]/g; /* two",
      "lines */ const half = 1 / 2; // TODO",
      "const words = `// no /* comment */`;",
      "const path = text.replace(/\\/\\//, '\"'); // gone",
    ];
    expect(codeOf(text.join("\n")).split("\n")).toEqual([
      'const url = "http://x"; ',
      "const quote = /[\"'`/]/g; ",
      " const half = 1 / 2; ",
      "const words = `// no /* comment */`;",
      "const path = text.replace(/\\/\\//, '\"'); ",
    ]);
  });

  it("finds imports of every form, and none in comments", () => {
    const text = [
      '// import { no } from "./comment.ts";',
      'import "./effect.css";',
      'import all from "all";',
      'import {\n  type One,\n  two,\n} from "../store/two.ts";',
      'import type { Three } from "./three.ts";',
      'export { four } from "./four.ts";',
      'const five = await import("./five.ts");',
      'const url = import.meta.url; const no = "import { x } from";',
    ];
    const found = importsOf(file("core/deep/a.ts", text.join("\n")));
    expect(found.map(({ from, file: path, typeOnly }) => [from, path, typeOnly])).toEqual([
      ["./effect.css", "core/deep/effect.css", false],
      ["all", undefined, false],
      ["../store/two.ts", "core/store/two.ts", false],
      ["./three.ts", "core/deep/three.ts", true],
      ["./four.ts", "core/deep/four.ts", false],
      ["./five.ts", "core/deep/five.ts", false],
    ]);
  });
});
