// What the later stages know of a request: normalised once, here, and never the raw text again.
import type { RequestId, SessionHandle } from "../../core/ids.ts";

/** What a credential claims to be; nothing is proved yet. */
export type Credential =
  | { readonly kind: "none" }
  | { readonly kind: "session"; readonly handle: SessionHandle }
  | { readonly kind: "bearer"; readonly token: string }
  /** A session cookie whose form is not ours, or two of them: counts as signed out (S12, S64). */
  | { readonly kind: "unreadable-session" }
  | { readonly kind: "other-scheme" };

export type ParsedRequest = {
  readonly id: RequestId;
  readonly method: string;
  /** Normalised path: no dot segments, no encoded separators, no needless percent-encoding. Starts with one `/`. */
  readonly path: string;
  /** The path's segments, decoded. `/agents/coder/ws` → `["agents", "coder", "ws"]`. */
  readonly segments: readonly string[];
  /** With its `?`, as sent; empty when there is none. */
  readonly query: string;
  /** How a refusal is shaped: a page for people, JSON for programs, a plain answer before `101`. */
  readonly kind: "navigation" | "api" | "upgrade";
  readonly credential: Credential;
  /** IP address of the client: of the socket, or as a configured proxy says. */
  readonly peer: string;
  /** Client headers by lower-case name; a name sent twice is only here if it may be (see parse-request.ts). */
  readonly headers: ReadonlyMap<string, string>;
  /** `headers` is the very object of a request before: what was made of it then may be used again. */
  readonly isRepeated: boolean;
};
