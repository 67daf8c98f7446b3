import { expect, test } from "vitest";
import { isReservedHeader } from "../../config/user-header.ts";

test.each([
  "X-Gateway-Assertion",
  "x-user-id",
  "X-User-Email",
  "Authorization",
  "Proxy-Authorization",
  "Cookie",
  "Host",
  "Connection",
  "Keep-Alive",
  "TE",
  "Trailer",
  "Content-Length",
  "Transfer-Encoding",
  "Upgrade",
  "Sec-WebSocket-Protocol",
  "Origin",
  "X-Forwarded-For",
  "X-Forwarded-Proto",
  "X-Forwarded-Host",
  "Forwarded",
  "X-Real-IP",
  "Traceparent",
  "X-Request-Id",
  "X-OpenClaw-Scopes",
  "Tailscale-User-Login",
])("%s is reserved", (name) => {
  expect(isReservedHeader(name)).toBe(true);
});

test.each(["X-Forwarded-User", "X-Forwarded-Email", "Remote-User", "X-Corp-Login"])("%s is free", (name) => {
  expect(isReservedHeader(name)).toBe(false);
});
