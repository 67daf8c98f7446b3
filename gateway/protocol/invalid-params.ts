// What a client is told about parameters that do not fit: the place and what is expected there, never the value.
import type { z } from "zod";
import type { FrameError } from "../../core/gateway-protocol.ts";

export function invalidParams(method: string, error: z.ZodError): FrameError {
  const places = error.issues.map((issue) => `at /${issue.path.map(String).join("/")}: ${issue.message}`);
  return { code: "INVALID_REQUEST", message: `invalid ${method} params: ${places.join("; ")}` };
}
