// Where signing in starts. The front door checks the return address again: it never leaves the site.

export const LOGIN_PATH = "/auth/login";

export function loginPath(returnTo: string): string {
  return `${LOGIN_PATH}?return_to=${encodeURIComponent(returnTo)}`;
}
