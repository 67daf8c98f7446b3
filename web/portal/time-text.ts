// Times as the person's own browser writes them.

/** @param time RFC 3339 */
export function timeText(time: string): string {
  return new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}
