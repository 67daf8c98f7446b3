// The commands that ask a running front door, by name. Each prints a few lines for people, or with --json the
// answer as it came (proxy/admin/answers.ts).
import { counted } from "../core/counted.ts";
import type {
  AdminClosedAnswer,
  AdminEndedAnswer,
  AdminSessionsAnswer,
  ForgottenAnswer,
  KeysAnswer,
  ReloadAnswer,
  StatusAnswer,
  UsersEndedAnswer,
} from "../proxy/admin/answers.ts";
import { endedPeopleText, keysText, sessionsText, statusText } from "./admin-text.ts";
import { CommandFailed } from "./command.ts";
import { type Asked, askFrontDoor } from "./control-client.ts";

export type AdminContext = {
  /** The front door's data folder. */
  readonly data: string;
  readonly json: boolean;
  /** `--user` */
  readonly user: string | undefined;
  /** `--provider` */
  readonly provider: string | undefined;
  /** `--now` */
  readonly now: boolean;
  readonly print: (line: string) => void;
};

/** Options that not every command has: one that a command would pass over is refused instead. */
export const OWN_OPTIONS = ["user", "provider", "now"] as const;

export type AdminCommand = {
  /** What the command names behind its own words, such as `<sid>`. */
  readonly operand?: string;
  readonly options?: readonly (typeof OWN_OPTIONS)[number][];
  run(context: AdminContext, operand: string): Promise<unknown>;
};

export const ADMIN_COMMANDS: ReadonlyMap<string, AdminCommand> = new Map<string, AdminCommand>([
  [
    "status",
    { run: (context) => tell<StatusAnswer>(context, { method: "GET", path: "/status" }, statusText) },
  ],
  [
    "sessions list",
    {
      options: ["user", "provider"],
      run: (context) =>
        tell<AdminSessionsAnswer>(
          context,
          { method: "GET", path: "/sessions", query: given(context, "user", "provider") },
          sessionsText,
        ),
    },
  ],
  ["sessions end", ending("/sessions/end", "sid", "<sid>", endedText)],
  [
    "users end",
    {
      operand: "<user id or e-mail>",
      options: ["provider"],
      run: (context, who) =>
        tell<UsersEndedAnswer>(
          context,
          { method: "POST", path: "/users/end", body: { who, ...given(context, "provider") } },
          endedPeopleText,
        ),
    },
  ],
  ["groups end", ending("/groups/end", "group", "<group>", closedText)],
  ["gateways end", ending("/gateways/end", "gateway", "<gateway>[/<endpoint>]", closedText)],
  ["gateways forget-key", ending("/gateways/forget-key", "endpoint", "<gateway>/<endpoint>", forgottenText)],
  [
    "keys rotate",
    {
      options: ["now"],
      run: (context) =>
        tell<KeysAnswer>(
          context,
          { method: "POST", path: "/keys/rotate", body: context.now ? { now: true } : {} },
          keysText,
        ),
    },
  ],
  ["policy reload", { run: reloadPolicy }],
]);

function ending<Answer>(
  path: string,
  field: string,
  operand: string,
  text: (answer: Answer) => string,
): AdminCommand {
  return {
    operand,
    run: (context, named) => tell(context, { method: "POST", path, body: { [field]: named } }, text),
  };
}

function given(context: AdminContext, ...names: readonly ("user" | "provider")[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => (context[name] === undefined ? [] : [[name, context[name]]])),
  );
}

async function tell<Answer>(
  { data, json, print }: AdminContext,
  asked: Asked,
  text: (answer: Answer) => string,
): Promise<Answer> {
  const answer = await askFrontDoor<Answer>(data, asked);
  print(json ? JSON.stringify(answer, null, 2) : text(answer));
  return answer;
}

async function reloadPolicy(context: AdminContext): Promise<void> {
  const asked: Asked = { method: "POST", path: "/policy/reload" };
  const { faults } = await tell<ReloadAnswer>(context, asked, reloadText);
  if (faults.length > 0)
    throw new CommandFailed(`${counted(faults.length, "fault")} in the files: what runs stays`);
}

function endedText({ ended }: AdminEndedAnswer): string {
  return `Ended ${ended.length === 1 ? "one session" : `${ended.length} sessions`}, with all connections: ${ended.join(", ")}`;
}

function closedText({ connections }: AdminClosedAnswer): string {
  return connections === 1 ? "Ended one connection." : `Ended ${connections} connections.`;
}

function reloadText({ changed, snapshot, faults, needsRestart }: ReloadAnswer): string {
  return [
    `Policy snapshot ${snapshot}${changed ? ", new" : ", as before"}.`,
    ...needsRestart.map((key) => `Needs a restart: ${key}`),
    ...faults.map((fault) => `Fault: ${fault}`),
  ].join("\n");
}

function forgottenText({ gateway, endpoint }: ForgottenAnswer): string {
  return `The key of ${gateway}/${endpoint} is forgotten; the one it shows next is remembered.`;
}
