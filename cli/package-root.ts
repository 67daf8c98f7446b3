// Where the product's own files lie, whether it runs built from dist/ or from source.
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "package.json"))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error("the package's own folder cannot be found");
    folder = parent;
  }
  return folder;
}

/** The built pages; made by `npm run build`. */
export function webFolder(): string {
  return join(packageRoot(), "dist", "web");
}
