// What a gateway must answer to an upgrade before its connection becomes a tunnel (RFC 6455 §4.1; CVE-2024-23326).
// A wrong answer taken for a tunnel would let a client speak HTTP to the gateway in the door's name. Pure.
import { hash } from "node:crypto";
import { err, ok, type Result } from "../../core/result.ts";
import type { HeaderList } from "../assert/header-block.ts";
import { fieldValues } from "../field-lines.ts";
import type { AnswerHead } from "./answer-head.ts";

/** What the two agreed on, as header values for the client. */
export type Handshake = {
  readonly accept: string;
  readonly protocol: string | undefined;
  readonly extensions: string | undefined;
};

// RFC 6455 §1.3.
const ACCEPT_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** @returns the handshake, or what is wrong with the answer */
export function handshakeOf(answer: AnswerHead, sent: HeaderList): Result<Handshake, string> {
  if (answer.status !== 101) return err(`status ${answer.status} to an upgrade`);
  const values = (name: string) => fieldValues(answer.headers, name);
  const only = (name: string) => (values(name).length === 1 ? values(name)[0] : undefined);

  if (only("upgrade")?.toLowerCase() !== "websocket") return err("101 to something other than websocket");
  if (!listOf(values("connection").join()).includes("upgrade")) return err("101 that does not name upgrade");
  // RFC 9112 §6.1, RFC 9110 §8.6: neither may stand in a 101. A body would be taken for frames.
  if (values("content-length").length > 0 || values("transfer-encoding").length > 0) {
    return err("101 with a body");
  }
  const accept = acceptOf(sentValue(sent, "sec-websocket-key"));
  if (only("sec-websocket-accept") !== accept) return err("a wrong sec-websocket-accept");

  const protocol = only("sec-websocket-protocol");
  const offered = sentValue(sent, "sec-websocket-protocol").split(",");
  if (
    values("sec-websocket-protocol").length > 0 &&
    !offered.some((item) => item.trim() === protocol && protocol !== "")
  ) {
    return err("a subprotocol that was not offered");
  }
  // RFC 6455 §11.3.2: this one may stand in several lines.
  const extensions = values("sec-websocket-extensions").join(", ");
  const offeredExtensions = namesOf(sentValue(sent, "sec-websocket-extensions"));
  if (!namesOf(extensions).every((name) => offeredExtensions.includes(name))) {
    return err("an extension that was not offered");
  }
  return ok({ accept, protocol, extensions: extensions === "" ? undefined : extensions });
}

export function acceptOf(key: string): string {
  return hash("sha1", `${key}${ACCEPT_GUID}`, "base64");
}

function sentValue(sent: HeaderList, name: string): string {
  for (let index = 0; index < sent.length; index += 2) if (sent[index] === name) return sent[index + 1] ?? "";
  return "";
}

function listOf(value: string): string[] {
  return value.split(",").map((item) => item.trim().toLowerCase());
}

/** Names of the extensions in a list of them with their parameters. */
function namesOf(extensions: string): string[] {
  return listOf(extensions)
    .map((item) => (item.split(";")[0] ?? "").trim())
    .filter((name) => name !== "");
}
