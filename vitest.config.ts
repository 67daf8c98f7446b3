// `npm test`: everything that needs nothing but npm and loopback. `--mode full`: what needs Debian packages too.
import { defineConfig } from "vitest/config";

export default defineConfig(({ mode }) => ({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: mode === "full" ? ["node_modules/**"] : ["test/full/**", "node_modules/**"],
    pool: "forks",
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
}));
