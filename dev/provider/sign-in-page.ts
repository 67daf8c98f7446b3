// The sign-in page: the demonstration people, one click each, and a form for scripts and for trying a wrong password.
import { DEMONSTRATION_PASSWORD, type Person } from "../people.ts";
import { escapeHtml, type Page } from "./page.ts";

export type SignInAsking = {
  readonly people: readonly Person[];
  /** Whose provider it is; undefined: nobody asks which. */
  readonly company: string | undefined;
  /** Name of the application that wants to know who it is. */
  readonly application: string;
  /** URL of that application. */
  readonly returnTo: string;
  /** What was typed when it was wrong. */
  readonly failedLogin?: string;
};

export function signInPage({ people, company, application, returnTo, failedLogin }: SignInAsking): Page {
  const wrong =
    failedLogin === undefined
      ? ""
      : `<p class="wrong" role="alert">That e-mail and password do not belong together. Nobody is signed in.
The password of everyone here is <code>${DEMONSTRATION_PASSWORD}</code>.</p>`;
  const title = company === undefined ? "Demonstration sign-in" : `Demonstration sign-in at ${company}`;
  return {
    title,
    formTargets: [returnTo],
    body: `<h1>${escapeHtml(title)}</h1>
<p class="quiet">${escapeHtml(application)} asks who you are. Choose a person to try it as.</p>
<p class="notice">This is not a real identity provider. It runs on this machine to try Gatehouse out,
its people are made up, and everyone's password is <code>${DEMONSTRATION_PASSWORD}</code>.</p>
${wrong}
<h2>Sign in as</h2>
<ul class="people">
${people.map(personCard).join("\n")}
</ul>
<h2>Or with e-mail and password</h2>
<form class="fields" method="post">
<label>E-mail
<input name="login" type="email" autocomplete="username" required value="${escapeHtml(failedLogin ?? "")}"></label>
<label>Password
<input name="password" type="password" autocomplete="current-password" required></label>
<button class="submit" type="submit">Sign in</button>
</form>`,
  };
}

function personCard({ email, name, groups, gets }: Person): string {
  const membership = groups.length === 0 ? "In no group" : `Group ${groups.join(", ")}`;
  return `<li><form method="post">
<input type="hidden" name="login" value="${escapeHtml(email)}">
<input type="hidden" name="password" value="${DEMONSTRATION_PASSWORD}">
<button class="person" type="submit">
<strong>${escapeHtml(name)}</strong>
<span class="email">${escapeHtml(email)}</span>
<span class="gets">${escapeHtml(gets)}</span>
<span class="groups">${escapeHtml(membership)}</span>
</button>
</form></li>`;
}
