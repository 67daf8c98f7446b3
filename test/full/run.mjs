// `npm run test:full`: every suite. Installs the Debian packages it needs when it may, checks that every test file
// of the manifest ran, names what was skipped, and ends with one line: N passed, N failed, N skipped.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

const PACKAGES = { chromium: "chromium", nginx: "nginx", haproxy: "haproxy" };
const root = new URL("../../", import.meta.url).pathname;
const manifestFile = join(root, "test/full/manifest.json");

const onDisk = readdirSync(join(root, "test"), { recursive: true })
  .map((name) => `test/${String(name)}`)
  .filter((name) => name.endsWith(".test.ts"))
  .sort();
if (process.argv.includes("--write-manifest")) {
  writeFileSync(manifestFile, `${JSON.stringify(onDisk, null, 2)}\n`);
  process.exit(0);
}

for (const [command, name] of Object.entries(PACKAGES)) installIfMissing(command, name);

const scratch = mkdtempSync(join(tmpdir(), "gatehouse-full-"));
const reportFile = join(scratch, "report.json");
const vitest = join(root, "node_modules/vitest/vitest.mjs");
const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${reportFile}`];
spawnSync(process.execPath, [vitest, "run", "--mode", "full", ...reporters], { cwd: root, stdio: "inherit" });

const report = JSON.parse(readFileSync(reportFile, "utf8"));
rmSync(scratch, { recursive: true });
const tests = report.testResults.flatMap((file) =>
  file.assertionResults.map((test) => ({
    file: relative(root, file.name),
    name: test.fullName,
    status: test.status,
  })),
);
const ran = new Set(
  tests.filter(({ status }) => status === "passed" || status === "failed").map(({ file }) => file),
);
const manifest = JSON.parse(readFileSync(manifestFile, "utf8"));
const faults = [
  ...manifest.filter((file) => !ran.has(file)).map((file) => `${file} is in the manifest and did not run`),
  ...onDisk
    .filter((file) => !manifest.includes(file))
    .map((file) => `${file} is not in test/full/manifest.json`),
  // A file that fails to load has no tests to count.
  ...report.testResults
    .filter((file) => file.status === "failed" && file.assertionResults.length === 0)
    .map((file) => `${relative(root, file.name)} did not load`),
];
const count = (...statuses) => tests.filter(({ status }) => statuses.includes(status)).length;
const skipped = tests.filter(({ status }) => status !== "passed" && status !== "failed");

for (const { file, name } of skipped) console.log(`skipped: ${file}: ${name}`);
for (const fault of faults) console.log(`failed: ${fault}`);
const failed = count("failed") + faults.length;
console.log(`${count("passed")} passed, ${failed} failed, ${skipped.length} skipped`);
process.exitCode = failed === 0 && (skipped.length === 0 || process.env.CI !== "true") ? 0 : 1;

function installIfMissing(command, name) {
  if (spawnSync("which", [command]).status === 0) return;
  if (process.getuid?.() !== 0 || spawnSync("which", ["apt-get"]).status !== 0) {
    console.log(`${command} is missing and cannot be installed here: run apt-get install ${name}`);
    return;
  }
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  execFileSync("apt-get", ["update", "-qq"], { env, stdio: "inherit" });
  execFileSync("apt-get", ["install", "-y", "-qq", name], { env, stdio: ["ignore", "ignore", "inherit"] });
}
