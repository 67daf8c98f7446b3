import { expect, it } from "vitest";
import { err, ok } from "../../../core/result.ts";
import { confirmByProvider } from "../../../proxy/identify/confirm-by-provider.ts";
import type { SessionRecord } from "../../../proxy/identify/sessions.ts";
import { verifiedAlice } from "../../support/identity-fixture.ts";

const recordOf = (issuer: string) => ({ identity: verifiedAlice({ issuer }) }) as unknown as SessionRecord;

it("a session is confirmed by the provider that it came from, and ended when that is none of ours", async () => {
  const asked: string[] = [];
  const by = (name: string) => async (_place: string, record: SessionRecord) => {
    asked.push(name);
    return ok(record);
  };
  const confirm = confirmByProvider(
    new Map([
      ["https://a.example", by("a")],
      ["https://b.example", by("b")],
    ]),
  );
  const record = recordOf("https://b.example");
  expect(await confirm("session/1", record)).toEqual(ok(record));
  const gone = await confirm("session/2", recordOf("https://c.example"));
  expect(gone).toEqual(err({ code: "session_ended", how: "ended" }));
  expect(asked).toEqual(["b"]);
});
