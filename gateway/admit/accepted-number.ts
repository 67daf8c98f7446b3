// The number of the newest key set ever accepted here, on disk: without it, whoever can replace the key set file
// could bring back an old set with a key that was withdrawn, by way of a restart.
import { readFile } from "node:fs/promises";
import { replaceFile } from "./replace-file.ts";

export type AcceptedNumber = {
  /** 0 before the first. Throws when the file is there and cannot be understood: unknown is not zero. */
  read(): Promise<number>;
  /** Resolves when the number would survive a crash. */
  write(number: number): Promise<void>;
};

export function createAcceptedNumber(path: string): AcceptedNumber {
  return {
    async read() {
      const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return "0";
        throw error;
      });
      if (!/^\d{1,15}\s*$/.test(text)) throw new Error(`${path} does not hold a key set number`);
      return Number.parseInt(text, 10);
    },
    write: (number) => replaceFile(path, `${number}\n`),
  };
}
