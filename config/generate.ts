// Writes docs/schema/*.schema.json and docs/config.md from the schemas: `npm run docs`, in the project's folder.
// test/config/generate.test.ts holds the committed files equal to what this makes.
import { mkdirSync, realpathSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import type { z } from "zod";
import { accessSchema } from "./access.ts";
import { FRONT_DOOR_SETTINGS, GATEWAY_SETTINGS, type Setting } from "./environment-names.ts";
import { frontDoorSchema } from "./front-door.ts";
import { gatewaySchema } from "./gateway.ts";
import { routesSchema } from "./routes.ts";
import { jsonSchemaOf, type SchemaKey, schemaKeys } from "./schema-keys.ts";

type ConfigFile = {
  readonly name: string;
  readonly about: string;
  readonly schema: z.ZodType;
  readonly settings: readonly Setting[];
};

const FILES: readonly ConfigFile[] = [
  {
    name: "front-door",
    about: "The front door's own settings: `gatehouse front-door --config front-door.json5`.",
    schema: frontDoorSchema,
    settings: FRONT_DOOR_SETTINGS,
  },
  {
    name: "access",
    about:
      "IT's file: the agents there are, and which groups and people get which. Nobody gets anything else.",
    schema: accessSchema,
    settings: [],
  },
  {
    name: "routes",
    about: "Ops's file: the gateways with their endpoints, and which one serves whom.",
    schema: routesSchema,
    settings: [],
  },
  {
    name: "gateway",
    about: "One thin gateway process: `gatehouse gateway --config gateway.json5`.",
    schema: gatewaySchema,
    settings: GATEWAY_SETTINGS,
  },
];

/** What belongs into docs/: path from the project's folder → content. */
export function generatedFiles(): ReadonlyMap<string, string> {
  const schemas = FILES.map(({ name, schema }): [string, string] => [
    `docs/schema/${name}.schema.json`,
    `${JSON.stringify({ title: `${name}.json5`, ...jsonSchemaOf(schema) }, undefined, 2)}\n`,
  ]);
  const page = [INTRODUCTION, ...FILES.map(sectionOf)].join("\n");
  return new Map([...schemas, ["docs/config.md", page]]);
}

const INTRODUCTION = `# Configuration

Generated from the schemas in \`config/\` by \`npm run docs\`. Complete commented examples: \`config/examples/\`.
For editors: \`docs/schema/\`.

- Files are JSON5: comments, trailing commas and unquoted keys are welcome. A key that is not listed here, or the
  same key twice, is a fault.
- The environment wins over the file, the file over the default. \`GATEHOUSE_\` and the key in capitals is the
  variable, as listed; a list is written with commas. \`<ID>\` in it is the key of an entry that the file has, in capitals.
  A \`GATEHOUSE_…\` variable that nothing reads is a fault.
- A secret can come from a file: \`<variable>_FILE\` names it, and one newline at its end is dropped.
- \`\${NAME}\` in a text is replaced by that environment variable, which must be set; \`$\${\` is \`\${\` as text. The
  result is text: for a number use the key's own variable.
- A duration is a number and \`ms\`, \`s\`, \`m\`, \`h\` or \`d\`: \`"90s"\`, \`"12h"\`.
- Relative paths, in a file or a variable, are from the folder of \`front-door.json5\` or \`gateway.json5\`.
- All faults of all files and variables are told at once, and nothing starts. No message shows a secret, nor
  anything that came by \`\${NAME}\`.
`;

function sectionOf({ name, about, schema, settings }: ConfigFile): string {
  const keys = schemaKeys(schema);
  const rows = keys.map((key) => rowOf(key, keys, settings)).filter((row) => row !== undefined);
  return [
    `## ${name}.json5\n`,
    `${about}\n`,
    "| key | type | default | environment | meaning |",
    "|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
}

/** Objects that say nothing of their own have no row: their keys do. */
function rowOf(key: SchemaKey, keys: readonly SchemaKey[], settings: readonly Setting[]): string | undefined {
  if (key.kind === "object" && key.meaning === "") return undefined;
  const setting = settings.find((candidate) => candidate.key.path.join(".") === key.path.join("."));
  const variables = [setting?.variable, setting?.fileVariable, ...(setting?.aliases ?? [])];
  const meaning = setting?.fileVariable === undefined ? key.meaning : `**Secret.** ${key.meaning}`;
  const cells = [
    `\`${nameOf(key, keys)}\``,
    key.type,
    defaultOf(key),
    variables.flatMap((name) => (name === undefined ? [] : [`\`${name}\``])).join(", "),
    meaning,
  ];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

/** `agents.*.name` → `agents.<agent>.name`; `routes.[].to` → `routes[].to`. */
function nameOf(key: SchemaKey, keys: readonly SchemaKey[]): string {
  return key.path.reduce((name, part, index) => {
    if (part === "[]") return `${name}[]`;
    if (part !== "*") return name === "" ? part : `${name}.${part}`;
    const table = keys.find(({ path }) => path.join(".") === key.path.slice(0, index).join("."));
    return `${name}.<${table?.tableKey}>`;
  }, "");
}

function defaultOf(key: SchemaKey): string {
  if (key.required) return "required";
  if (key.default === undefined) return "none";
  return key.kind === "object" ? "" : `\`${JSON.stringify(key.default)}\``;
}

function writeGeneratedFiles(): void {
  for (const [path, content] of generatedFiles()) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}

const startedAs = process.argv[1];
if (startedAs !== undefined && realpathSync(startedAs) === fileURLToPath(import.meta.url)) {
  writeGeneratedFiles();
}
