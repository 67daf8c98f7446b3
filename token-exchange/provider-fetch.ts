// The fetch that the relying-party library sends its requests to the provider with: no redirect is followed, an
// answer is cut at 1 MiB, a request that takes too long is aborted (S122). Untrusted bytes pass unread.
import { MAX_DOCUMENT_BYTES } from "./capped-json.ts";

/** @param timeoutMs for one request with its answer's body */
export function createProviderFetch(timeoutMs: number): typeof fetch {
  return async (input, init) => {
    const deadline = AbortSignal.timeout(timeoutMs);
    const signal = init?.signal ? AbortSignal.any([deadline, init.signal]) : deadline;
    const answer = await fetch(input, { ...init, signal, redirect: "manual" });
    if (answer.body === null) return answer;
    const { status, statusText, headers } = answer;
    return new Response(answer.body.pipeThrough(createCap()), { status, statusText, headers });
  };
}

function createCap(): TransformStream<Uint8Array, Uint8Array> {
  let bytes = 0;
  return new TransformStream({
    transform(chunk, controller) {
      bytes += chunk.byteLength;
      if (bytes > MAX_DOCUMENT_BYTES)
        controller.error(new Error(`an answer of more than ${MAX_DOCUMENT_BYTES} bytes`));
      else controller.enqueue(chunk);
    },
  });
}
