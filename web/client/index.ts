// What a client library would export: a chat with one agent, and below it the bare connection that keeps itself alive.
// Free of the page: socket, fetch, timers, randomness and ids come from whoever uses it.
export type { After, Fetch } from "./ask-door.ts";
export type { Refusal } from "./ask-me.ts";
export {
  type ChatClient,
  type ChatClientDeps,
  type ChatView,
  createChatClient,
  mainSessionKey,
} from "./chat-client.ts";
export type { ChatState } from "./chat-state.ts";
export type { OpenSocket } from "./connection.ts";
export {
  type ConnectionState,
  createGatewayClient,
  type GatewayClient,
  type GatewayClientDeps,
} from "./gateway-client.ts";
export type { SessionList } from "./session-list.ts";
export { isUnderWay, type Turn, type TurnPhase } from "./turn.ts";
export type { Outbox, Unsent } from "./unsent.ts";
