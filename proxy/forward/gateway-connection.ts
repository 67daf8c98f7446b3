// One connection to an endpoint, for plain requests one after another. It knows whether another one may follow: when the
// answer before is whole and nothing came behind it. Asks nothing by itself, and never connects anew.
import type { Socket } from "node:net";
import type { Endpoint } from "../../config/routes.ts";
import { fieldValues } from "../field-lines.ts";
import { faultOf, unreachable } from "../route/connect-endpoint.ts";
import { NOWHERE, type Placed } from "../swap-list.ts";
import { AnswerReader, type AnswerSink } from "./answer-reader.ts";
import { connectUpstream, type UpstreamSocket } from "./upstream-socket.ts";

/** What one exchange hears of its connection, until it gives it back; nothing after a fault. */
export type Exchange = AnswerSink & {
  /** Whether any of the request is written: what comes before that answers nobody, or somebody else. */
  hasAsked(): boolean;
  /** The endpoint has proved to be the one that is meant: the request may be written now. */
  onConnected(): void;
  onConnectFault(error: unknown): void;
  /** @param what is wrong with the answer or with what carries it */
  onAnswerFault(what: string): void;
  /** What was written has gone: there is room for more. */
  onDrain(): void;
};

/** Of an exchange that gives its connection back. */
export type Fate =
  /** Nothing of it was written. */
  | "unused"
  /** The request is all written, the answer all read. */
  | "over"
  | "abandoned";

/** So long a gateway is taken to keep an idle connection if it does not say: Node's server does for five seconds. */
const KEPT_MS = 4_000;
/** What is sent at the last moment crosses the gateway's goodbye (RFC 9112 §9.3.1). */
const MARGIN_MS = 1_000;
const MOST_KEPT_MS = 600_000;

export class GatewayConnection implements AnswerSink, Placed {
  placedAt = NOWHERE;
  /** For how long it may be idle. */
  keptMs = KEPT_MS;
  /** On the clock that only grows; its pool's to write. */
  idleSince = 0;
  readonly socket: Socket;
  #isConnected = false;
  #exchange: Exchange | undefined;
  #reader: AnswerReader | undefined;

  /** @param onClose called once, whoever closes it */
  constructor(endpoint: Endpoint, onClose: (connection: GatewayConnection) => void) {
    const upstream: UpstreamSocket = connectUpstream(endpoint, () => {
      this.#isConnected = true;
      this.#exchange?.onConnected();
    });
    upstream.take = (bytes) => this.#take(bytes);
    this.socket = upstream.socket
      .on("drain", () => this.#exchange?.onDrain())
      .on("error", (error) => this.#failed(error))
      .on("end", () => this.#ended())
      .on("close", () => {
        // Behind an `end` nobody listens any more. Without one an answer that goes on until the end is not whole.
        this.#failed(unreachable("the connection was closed"));
        onClose(this);
      });
  }

  get isFree(): boolean {
    const { writable, destroyed, writableLength } = this.socket;
    // What waits to be written is of a request that was answered unread: nobody's next one is to wait behind it.
    const isOpen = writable && !destroyed && writableLength === 0;
    return isOpen && this.#exchange === undefined && this.#reader?.persists !== false;
  }

  /** For one that is free. `onConnected` comes at once if it is connected already. */
  begin(method: string, exchange: Exchange): void {
    this.#exchange = exchange;
    this.#reader = new AnswerReader(method, this);
    if (this.#isConnected) exchange.onConnected();
  }

  /** The exchange hears no more; the connection is closed unless it is free now. */
  release(fate: Fate): void {
    this.#exchange = undefined;
    if (fate === "unused") this.#reader = undefined;
    if (fate === "abandoned" || !this.isFree) this.socket.destroy();
    else this.socket.resume();
  }

  onHead(status: number, fields: readonly string[]): void {
    const [said = ""] = fieldValues(fields, "keep-alive");
    const seconds = /(?:^|[,;\t ])timeout=(\d{1,9})/i.exec(said)?.[1];
    if (seconds !== undefined) this.keptMs = Math.min(Number(seconds) * 1_000 - MARGIN_MS, MOST_KEPT_MS);
    this.#exchange?.onHead(status, fields);
  }

  onBody(bytes: Buffer): void {
    this.#exchange?.onBody(bytes);
  }

  onEnd(trailers: readonly string[]): void {
    this.#exchange?.onEnd(trailers);
  }

  #take(bytes: Buffer): void {
    const fault = this.#exchange?.hasAsked() === true ? this.#reader?.push(bytes) : "nobody has asked";
    if (fault !== undefined) this.#broken(fault);
  }

  #ended(): void {
    if (!this.#isConnected) this.#failed(new Error("the connection ended before it was there"));
    else this.#broken(this.#exchange === undefined ? undefined : this.#reader?.close());
  }

  #failed(error: Error): void {
    if (this.#isConnected) {
      this.#broken(faultOf(error));
      return;
    }
    const exchange = this.#exchange;
    this.release("abandoned");
    exchange?.onConnectFault(error);
  }

  #broken(fault: string | undefined): void {
    const exchange = this.#exchange;
    this.release("abandoned");
    if (fault !== undefined) exchange?.onAnswerFault(fault);
  }
}
