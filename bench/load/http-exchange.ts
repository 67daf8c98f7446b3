// HTTP as load: a GET as a page's script sends it, over a connection that stays open, its answer checked for status and
// body.
import { JSON_ANSWER } from "../backend/answer.ts";
import type { Address } from "../peers/peer.ts";
import type { Exchange } from "./exchange.ts";

/** So many in turn, that no connection gets the same one twice running: it shares no divisor with their number. */
const REQUESTS = 61;

export function httpExchange(address: Address): Exchange {
  return {
    requests: Array.from({ length: REQUESTS }, (_, page) => requestFor(page, address)),
    reader() {
      let unread: Buffer | undefined;
      return (chunk) => {
        const bytes = unread === undefined ? chunk : Buffer.concat([unread, chunk]);
        const isWhole = isAnswer(bytes);
        unread = isWhole ? undefined : bytes;
        return isWhole;
      };
    },
  };
}

// A script asks for one thing after another, and says the same about itself each time.
function requestFor(page: number, { authority, paths, headers, changingFields }: Address): Buffer {
  const changing = changingFields === true ? [`if-none-match: "${page}"`] : [];
  const lines = [`host: ${authority}`, ...OF_A_BROWSER, ...headers, ...changing];
  return Buffer.from(`GET ${paths.http}?page=${page} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
}

const OF_A_BROWSER = [
  "connection: keep-alive",
  "accept: application/json",
  "accept-encoding: gzip, deflate, br, zstd",
  "accept-language: en-GB,en;q=0.9,de;q=0.8",
  "user-agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  "sec-fetch-dest: empty",
  "sec-fetch-mode: cors",
  "sec-fetch-site: same-origin",
];

/** @returns false when more must come; @throws on another status or body than the backend's */
export function isAnswer(bytes: Buffer): boolean {
  const endOfHead = bytes.indexOf("\r\n\r\n");
  if (endOfHead === -1) return false;
  const head = bytes.toString("latin1", 0, endOfHead);
  if (!head.startsWith("HTTP/1.1 200 "))
    throw new Error(`a request was answered ${head.split("\r\n", 1)[0]}`);
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (Number(length) !== JSON_ANSWER.length) throw new Error(`an answer's content-length is ${length}`);
  const body = bytes.subarray(endOfHead + 4);
  if (body.length < JSON_ANSWER.length) return false;
  if (body.toString("latin1") !== JSON_ANSWER)
    throw new Error("an answer has another body than the backend's");
  return true;
}
