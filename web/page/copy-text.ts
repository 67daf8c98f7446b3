// Copies text when the person presses for it. Browsers offer that on https and on this machine's own names only.

export const canCopy = (): boolean => navigator.clipboard !== undefined;

/** False when the browser would not. Never rejects. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
