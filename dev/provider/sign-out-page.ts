// The pages of signing out at the embedded provider. An application that it knows has asked its user already.
import type { Page } from "./page.ts";

export type SignOutAsking = {
  readonly clientKnown: boolean;
  /** Where the browser goes afterwards; undefined: it stays here. */
  readonly returnTo: string | undefined;
};

const SUBMIT = "document.forms[0].submit();";

/** @param form the library's form with its token against forged requests, which only lacks the answer */
export function signOutPage(form: string, { clientKnown, returnTo }: SignOutAsking): Page {
  const answered = form.replace(
    "</form>",
    `<input type="hidden" name="logout" value="yes"><button class="submit" type="submit">Sign out</button></form>`,
  );
  return {
    title: "Demonstration sign-out",
    body: `<h1>Demonstration sign-out</h1>
<p class="quiet">This ends your sign-in at the demonstration provider.</p>
${answered}`,
    formTargets: returnTo === undefined ? [] : [returnTo],
    ...(clientKnown ? { script: SUBMIT } : {}),
  };
}

export function signedOutPage(): Page {
  return {
    title: "Signed out",
    body: `<h1>Signed out</h1>
<p class="quiet">Your sign-in at the demonstration provider has ended. You can close this page.</p>`,
  };
}
