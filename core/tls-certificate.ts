// A listener's certificate and key: read from their files, and taken only if a handshake with them would work.
import { createHash, createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
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
 * @returns every fault with its file and the remedy; never a byte of the key
 */
export function readCertificate(
  files: CertificateFiles,
  key: string,
): Result<TlsCertificate, readonly ConfigIssue[]> {
  const fault = (file: keyof CertificateFiles, { found, expected }: Fault): ConfigIssue => {
    return { source: files[file], path: `${key}.${file}`, found, expected };
  };
  const chain = readChain(files.certificate);
  const privateKey = readKey(files.key);
  if (!chain.ok || !privateKey.ok) {
    return err([
      ...(chain.ok ? [] : [fault("certificate", chain.error)]),
      ...(privateKey.ok ? [] : [fault("key", privateKey.error)]),
    ]);
  }
  const { pem: cert, leaf } = chain.value;
  if (!leaf.checkPrivateKey(privateKey.value.key)) {
    const expected = `the private key that ${files.certificate} was issued for; it must be the first certificate in its file`;
    return err([fault("key", { found: "another certificate's key", expected })]);
  }
  const certificate: TlsCertificate = {
    cert,
    key: privateKey.value.pem,
    fingerprint: fingerprintOf(leaf.raw),
    validFrom: Date.parse(leaf.validFrom),
    expiresAt: Date.parse(leaf.validTo),
  };
  // What OpenSSL finds wrong beyond that, such as a key too weak for its security level.
  const usable = attempt(() => createSecureContext(tlsOptions(certificate)));
  if (usable !== undefined) return ok(certificate);
  return err([fault("certificate", { found: "a certificate that TLS refuses", expected: A_CERTIFICATE })]);
}

/** What keeps a listener from starting with these files: {@link readCertificate} for whoever has no use for them. */
export function certificateFaults(files: CertificateFiles, key: string): readonly ConfigIssue[] {
  const read = readCertificate(files, key);
  return read.ok ? [] : read.error;
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

type Fault = Pick<ConfigIssue, "found" | "expected">;

const A_CERTIFICATE = "a PEM file of the certificate, behind it the chain that leads to its CA";
const A_KEY = "a PEM file of the certificate's private key, without a passphrase, that this process may read";

function readChain(path: string): Result<{ readonly pem: string; readonly leaf: X509Certificate }, Fault> {
  const pem = readPem(path, A_CERTIFICATE);
  if (!pem.ok) return pem;
  const leaf = attempt(() => certificatesIn(pem.value))?.[0];
  return leaf === undefined
    ? err({ found: "no certificate that can be read", expected: A_CERTIFICATE })
    : ok({ pem: pem.value, leaf });
}

function readKey(path: string): Result<{ readonly pem: string; readonly key: KeyObject }, Fault> {
  const pem = readPem(path, A_KEY);
  if (!pem.ok) return pem;
  const key = attempt(() => createPrivateKey(pem.value));
  return key === undefined
    ? err({ found: "no private key that can be read", expected: A_KEY })
    : ok({ pem: pem.value, key });
}

function readPem(path: string, expected: string): Result<string, Fault> {
  try {
    return ok(readFileSync(path, "utf8"));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return err(
      code === "ENOENT"
        ? { found: "no file", expected: `${expected}: put it there, or correct the path` }
        : { found: `a file that cannot be read (${code})`, expected },
    );
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
