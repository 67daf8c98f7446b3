// Signing in at the embedded provider: shows the page, checks the password, goes on to the application.
import type { IncomingMessage, ServerResponse } from "node:http";
import { errors, type Provider } from "oidc-provider";
import { DEMONSTRATION_PASSWORD } from "../people.ts";
import { errorPage } from "./error-page.ts";
import { sendPage } from "./page.ts";
import { signInPage } from "./sign-in-page.ts";
import type { DevProviderOptions } from "./start.ts";

export type SignIn = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const MAX_FORM_BYTES = 4096;

/** Handles `GET` and `POST /sign-in/{id}`. */
export function createSignIn(
  provider: Provider,
  { people, company, log }: Pick<DevProviderOptions, "people" | "company" | "log">,
): SignIn {
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { prompt, params } = await provider.interactionDetails(request, response);
    // An application asked for consent by name; there is nothing to ask here.
    if (prompt.name === "consent")
      return provider.interactionFinished(
        request,
        response,
        { consent: {} },
        { mergeWithLastSubmission: true },
      );
    const client = await provider.Client.find(String(params["client_id"]));
    const asking = {
      people,
      company,
      application: client?.clientName ?? "An application",
      returnTo: String(params["redirect_uri"]),
    };
    if (request.method !== "POST") return sendPage(response, 200, signInPage(asking));
    const form = await readForm(request);
    if (form === undefined) return sendPage(response, 413, errorPage({ error: "request_too_large" }));
    const login = form.get("login")?.trim().toLowerCase() ?? "";
    const person = people.find((each) => each.email === login);
    if (person === undefined || form.get("password") !== DEMONSTRATION_PASSWORD)
      return sendPage(response, 401, signInPage({ ...asking, failedLogin: login }));
    const result = { login: { accountId: person.sub } };
    return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }

  return async (request, response) => {
    try {
      await answer(request, response);
    } catch (error) {
      const lapsed = error instanceof errors.SessionNotFound;
      if (!lapsed) log.error({ err: error }, "demonstration sign-in failed");
      if (response.headersSent) return void response.destroy();
      sendPage(
        response,
        lapsed ? 400 : 500,
        errorPage({ error: lapsed ? "sign_in_expired" : "server_error" }),
      );
    }
  };
}

/** Undefined when it is larger than any form of ours. */
async function readForm(request: IncomingMessage): Promise<URLSearchParams | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_FORM_BYTES) return undefined;
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString("utf8"));
}
