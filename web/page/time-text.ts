// Times as the person's own browser writes them.

/** @param time RFC 3339, or milliseconds since 1970 */
export function timeText(time: string | number): string {
  return new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
