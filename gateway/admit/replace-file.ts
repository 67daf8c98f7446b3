// Replaces a small file whole: a reader, or a start after a crash, finds the old text or the new one, never half.
import { mkdir, open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Resolves when the new text would survive a crash. One call at a time for each path. Readable by its owner only. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.new`;
  const file = await open(draft, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(draft, path);
}
