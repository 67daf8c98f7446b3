// The body of a client's request on its way to the gateway: as it comes, with back-pressure, framed anew. Node's parser has
// checked the client's framing; of that nothing is passed on but the length (RFC 9112 §6, §7).
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";

export type BodyWatch = {
  /** @param received bytes until now; it may stop the body */
  onBodyPart(received: number): void;
  /** All of it is written. */
  onBodySent(): void;
};

export class RequestBody {
  private readonly incoming: IncomingMessage;
  private readonly isChunked: boolean;
  private readonly watch: BodyWatch;
  private socket: Socket | undefined;
  /** Of the request, until it is written. */
  private head = "";
  private received = 0;

  /** @param isChunked the client has not said how long it is */
  constructor(incoming: IncomingMessage, isChunked: boolean, watch: BodyWatch) {
    this.incoming = incoming;
    this.isChunked = isChunked;
    this.watch = watch;
  }

  /**
   * Begins to read: nothing is asked of the client before somebody is there to take it. The request's head goes with the
   * first of it, so that a body that is broken from its beginning begins no request at the gateway.
   */
  sendTo(socket: Socket, head: string): void {
    this.socket = socket;
    this.head = head;
    this.incoming.on("data", (part: Buffer) => this.pass(part));
    // Comes only when the body is whole; its trailers are for the door, which has no use for them.
    this.incoming.on("end", () => this.finish());
  }

  /** The gateway has taken what was written. */
  goOn(): void {
    if (this.socket !== undefined) this.incoming.resume();
  }

  /** Writes no more. What else the client sends is read and dropped, so that it can read its answer. */
  stop(): void {
    this.goOn();
    this.socket = undefined;
  }

  private pass(part: Buffer): void {
    this.received += part.length;
    if (this.socket === undefined) return;
    this.watch.onBodyPart(this.received);
    // The watch may just have stopped it.
    const { socket } = this;
    if (socket === undefined) return;
    socket.cork();
    this.writeHead(socket);
    if (this.isChunked) socket.write(`${part.length.toString(16)}\r\n`, "latin1");
    const isRoom = socket.write(part);
    if (this.isChunked) socket.write("\r\n", "latin1");
    socket.uncork();
    if (!isRoom) this.incoming.pause();
  }

  private finish(): void {
    const { socket } = this;
    if (socket === undefined) return;
    this.writeHead(socket);
    if (this.isChunked) socket.write("0\r\n\r\n", "latin1");
    this.watch.onBodySent();
  }

  private writeHead(socket: Socket): void {
    if (this.head !== "") socket.write(this.head, "latin1");
    this.head = "";
  }
}
