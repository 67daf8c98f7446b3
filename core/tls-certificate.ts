// A listener's certificate and key: read from their files, and taken only if a handshake with them would work.
import { createHash, createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { ConfigIssue } from "./config-error.ts";
import { err, ok, type Result } from "./result.ts";

export type CertificateFiles = {
  /** PEM: the certificate, then its chain. */
  readonly certificate: string;
  /** PEM, without a passphrase. */
  readonly key: string;
};

export type TlsCertificate = {
  readonly cert: string;
  readonly key: string;
  /** SHA-256 of the certificate's DER form, lower-case hex: what a front door pins. */
  readonly fingerprint: string;
  /** Milliseconds since 1970. */
  readonly validFrom: number;
  readonly expiresAt: number;
};

/**
 * @param key path of the two keys in the configuration, such as `gateway.tls`
 * @returns the fault with its file and the remedy; never a byte of the key
 */
export function readCertificate(files: CertificateFiles, key: string): Result<TlsCertificate, ConfigIssue> {
  const fault = (file: keyof CertificateFiles, found: string, expected: string) =>
    err({ source: files[file], path: `${key}.${file}`, found, expected });
  const cert = readPem(files.certificate);
  if (!cert.ok) return fault("certificate", cert.error, A_CERTIFICATE);
  const keyText = readPem(files.key);
  if (!keyText.ok) return fault("key", keyText.error, A_KEY);
  const chain = attempt(() => certificatesIn(cert.value));
  const leaf = chain?.[0];
  if (leaf === undefined) return fault("certificate", "no certificate that can be read", A_CERTIFICATE);
  const privateKey = attempt(() => createPrivateKey(keyText.value));
  if (privateKey === undefined) return fault("key", "no private key that can be read", A_KEY);
  if (!leaf.checkPrivateKey(privateKey)) {
    const expected = `the private key that ${files.certificate} was issued for; it must be the first certificate in its file`;
    return fault("key", "another certificate's key", expected);
  }
  const certificate: TlsCertificate = {
    cert: cert.value,
    key: keyText.value,
    fingerprint: fingerprintOf(leaf.raw),
    validFrom: Date.parse(leaf.validFrom),
    expiresAt: Date.parse(leaf.validTo),
  };
  // What OpenSSL finds wrong beyond that, such as a key too weak for its security level.
  const usable = attempt(() => createSecureContext(tlsOptions(certificate)));
  if (usable === undefined) return fault("certificate", "a certificate that TLS refuses", A_CERTIFICATE);
  return ok(certificate);
}

/** How every listener of ours speaks TLS with this certificate. */
export function tlsOptions({ cert, key }: Pick<TlsCertificate, "cert" | "key">) {
  // HTTP/2 is not served (S125): a client that offers nothing else fails in the handshake.
  return { cert, key, minVersion: "TLSv1.2", ALPNProtocols: ["http/1.1"] } as const;
}

/** SHA-256 as lower-case hex. @param der the certificate's DER form */
export function fingerprintOf(der: Buffer): string {
  return createHash("sha256").update(der).digest("hex");
}

const A_CERTIFICATE = "a PEM file of the certificate, behind it the chain that leads to its CA";
const A_KEY = "a PEM file of the certificate's private key, without a passphrase, that this process may read";

function readPem(path: string): Result<string, string> {
  try {
    return ok(readFileSync(path, "utf8"));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return err(code === "ENOENT" ? "no file" : `a file that cannot be read (${code})`);
  }
}

/** Throws when one of them is not whole: half a chain would fail for some clients only. */
function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.split("-----BEGIN CERTIFICATE-----").slice(1);
  return blocks.map((block) => new X509Certificate(`-----BEGIN CERTIFICATE-----${block}`));
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
