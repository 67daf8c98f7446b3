// Encrypts what the store keeps, so that a copy of the store alone opens nothing. AES-256-GCM under a key
// derived for one purpose; the place a value is stored at is authenticated with it. No I/O.
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes } from "node:crypto";

export type Seal = {
  /** @param place the store key; a sealed value moved to another key does not open */
  seal(place: string, text: string): string;
  /** Undefined when it was not sealed at this place by this key, whatever the reason. */
  open(place: string, sealed: string): string | undefined;
};

const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * @param encryptionKey 32 random bytes from the configuration, never stored beside what they seal
 * @param purpose separates keys (RFC 5869 §3.2), such as `signing-key`
 */
export function createSeal(encryptionKey: Buffer, purpose: string): Seal {
  if (encryptionKey.length !== 32) throw new TypeError("the encryption key must have 32 bytes");
  const derived = hkdfSync("sha256", encryptionKey, "", `gatehouse ${purpose} v1`, 32);
  const key = createSecretKey(Buffer.from(derived));
  return {
    seal(place, text) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, iv).setAAD(Buffer.from(place));
      return Buffer.concat([iv, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]).toString(
        "base64url",
      );
    },
    open(place, sealed) {
      const bytes = Buffer.from(sealed, "base64url");
      if (bytes.length < IV_BYTES + TAG_BYTES) return undefined;
      const iv = bytes.subarray(0, IV_BYTES);
      const decipher = createDecipheriv("aes-256-gcm", key, iv, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(place)).setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const text = decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES));
        return Buffer.concat([text, decipher.final()]).toString("utf8");
      } catch {
        return undefined;
      }
    },
  };
}
