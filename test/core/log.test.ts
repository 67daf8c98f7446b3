import { expect, test } from "vitest";
import { createLog, type LogLevel } from "../../core/log.ts";

function linesOf(
  level: LogLevel,
  say: (log: ReturnType<typeof createLog>) => void,
): Record<string, unknown>[] {
  const lines: string[] = [];
  say(createLog("front-door", level, { write: (line: string) => void lines.push(line) }));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

test("a line says when, how grave, who and what", () => {
  const [line] = linesOf("info", (log) => log.warn({ gateway: "cloud" }, "is down"));
  expect(line).toEqual({
    level: "warn",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    part: "front-door",
    gateway: "cloud",
    msg: "is down",
  });
});

test.each([
  "authorization",
  "cookie",
  "token",
  "accessToken",
  "idToken",
  "refreshToken",
  "assertion",
  "secret",
  "clientSecret",
  "password",
  "handle",
])("a field named %s is redacted, also one level down", (field) => {
  const [line] = linesOf("info", (log) =>
    log.info({ [field]: "s3cret", request: { [field]: "s3cret" } }, "got"),
  );
  expect(line).toMatchObject({ [field]: "[redacted]", request: { [field]: "[redacted]" } });
});

test("hostile text stays on its line", () => {
  const lines = linesOf("info", (log) => log.info({ name: 'x\n{"level":"info","msg":"forged"}' }, "a\r\nb"));
  expect(lines.map(({ name, msg }) => ({ name, msg }))).toEqual([
    { name: 'x\n{"level":"info","msg":"forged"}', msg: "a\r\nb" },
  ]);
});

test("what is below the level is not written, and silent writes nothing", () => {
  const say = (log: ReturnType<typeof createLog>) => {
    log.debug("1");
    log.info("2");
    log.warn("3");
    log.error("4");
    log.fatal("5");
  };
  expect(linesOf("warn", say).map(({ msg }) => msg)).toEqual(["3", "4", "5"]);
  expect(linesOf("silent", say)).toEqual([]);
});
