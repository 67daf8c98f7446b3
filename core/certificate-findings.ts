// What is wrong with a listener's certificate and key before anything is started with them. Reads the two files, and
// tells no byte of the key.
import { statSync } from "node:fs";
import { type DateVerdict, judgeDates, remedyOf } from "./certificate-dates.ts";
import type { ConfigIssue } from "./config-error.ts";
import { type CertificateFiles, readCertificate } from "./tls-certificate.ts";

export type CertificateFindings = {
  /** No client could connect. */
  readonly faults: readonly ConfigIssue[];
  readonly warnings: readonly ConfigIssue[];
};

/**
 * @param key path of the two keys in the configuration, such as `gateway.tls`
 * @param now milliseconds since 1970
 */
export function findInCertificate(files: CertificateFiles, key: string, now: number): CertificateFindings {
  const read = readCertificate(files, key);
  if (!read.ok) return { faults: read.error, warnings: [] };
  const openKey = openKeyWarnings(files.key, `${key}.key`);
  const dates = judgeDates(read.value, now);
  if (dates.state === "ok") return { faults: [], warnings: openKey };
  const found = `a certificate that ${dates.said}`;
  const issue = { source: files.certificate, path: `${key}.certificate`, found, expected: validOne(dates) };
  return dates.state === "expires_soon"
    ? { faults: [], warnings: [issue, ...openKey] }
    : { faults: [issue], warnings: openKey };
}

function validOne(dates: DateVerdict): string {
  return `one that is valid now and for a while: ${remedyOf(dates)}`;
}

const READABLE_BY_ALL = 0o004;

function openKeyWarnings(file: string, path: string): ConfigIssue[] {
  const { mode } = statSync(file);
  if ((mode & READABLE_BY_ALL) === 0) return [];
  const found = `a key that everybody on this machine may read (mode ${(mode & 0o777).toString(8)})`;
  return [{ source: file, path, found, expected: "one that only its process may read: chmod 600" }];
}
