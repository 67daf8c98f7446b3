// An operator's mistake, found at start or reload: every fault at once, each with its place and the remedy.

export type ConfigIssue = {
  /** The file as the operator named it, or the environment variable. */
  readonly source: string;
  /** Path inside the file, such as `provider.clientSecret` or `routes[2].to`; empty for the whole file. */
  readonly path: string;
  /** What was found, shortened; never the value of a secret. */
  readonly found: string;
  /** What is expected, and what to do. */
  readonly expected: string;
};

export class ConfigError extends Error {
  readonly issues: readonly ConfigIssue[];

  constructor(issues: readonly ConfigIssue[]) {
    super(issues.map(formatIssue).join("\n"));
    this.name = "ConfigError";
    this.issues = issues;
  }
}

export function formatIssue(issue: ConfigIssue): string {
  const place = issue.path === "" ? issue.source : `${issue.source}: ${issue.path}`;
  return `${place}: found ${issue.found}; expected ${issue.expected}`;
}
