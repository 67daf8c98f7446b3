// Certificates as a test needs them: for these names, valid in this span, signed by themselves or by a CA of the test.
import "reflect-metadata";
import { randomUUID, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

export type TestCertificate = {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** SHA-256 of the DER form, lower-case hex. */
  readonly fingerprint: string;
};

export type TestCa = TestCertificate & { issue(options?: CertificateOptions): Promise<TestCertificate> };

export type CertificateOptions = {
  /** Host names and IP addresses; loopback when left out. */
  readonly names?: readonly string[];
  readonly from?: Date;
  readonly until?: Date;
};

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
x509.cryptoProvider.set(webcrypto as never);

export async function selfSigned(options: CertificateOptions = {}): Promise<TestCertificate> {
  const keys = await newKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    ...factsOf(options),
    // A name of its own: of two CAs with the same one a verifier takes the first.
    name: `CN=${randomUUID()}`,
    keys,
    extensions: [namesOf(options)],
  });
  return pemOf(certificate, keys.privateKey);
}

export async function createTestCa(): Promise<TestCa> {
  const keys = await newKeys();
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...factsOf({}),
    name: "CN=Test CA",
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  return {
    ...(await pemOf(ca, keys.privateKey)),
    async issue(options = {}) {
      const own = await newKeys();
      const certificate = await x509.X509CertificateGenerator.create({
        ...factsOf(options),
        subject: "CN=issued",
        issuer: ca.subject,
        publicKey: own.publicKey,
        signingKey: keys.privateKey,
        extensions: [namesOf(options)],
      });
      return pemOf(certificate, own.privateKey);
    },
  };
}

function newKeys() {
  return webcrypto.subtle.generateKey(ALGORITHM, true, [
    "sign",
    "verify",
  ]) as Promise<webcrypto.CryptoKeyPair>;
}

function factsOf({ from = new Date("2020-01-01"), until = new Date("2120-01-01") }: CertificateOptions) {
  return { notBefore: from, notAfter: until, signingAlgorithm: ALGORITHM };
}

function namesOf({ names = ["localhost", "127.0.0.1"] }: CertificateOptions) {
  return new x509.SubjectAlternativeNameExtension(
    names.map((value) => ({ type: /^[\d.:]+$/.test(value) ? ("ip" as const) : ("dns" as const), value })),
  );
}

async function pemOf(certificate: x509.X509Certificate, key: webcrypto.CryptoKey): Promise<TestCertificate> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key)).toString("base64");
  const fingerprint = Buffer.from(await certificate.getThumbprint("SHA-256")).toString("hex");
  return {
    cert: `${certificate.toString("pem")}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`,
    fingerprint,
  };
}
