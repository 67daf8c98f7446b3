// Where signing in starts. The front door checks the return address again: it never leaves the site.

export function loginPath(returnTo: string): string {
  return `/auth/login?return_to=${encodeURIComponent(returnTo)}`;
}
