/** Personal data under a key of its person: AES-256-GCM (NIST SP 800-38D), the person's name as additional data. */
import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Entropy } from "../../base/index.ts";

const algorithm = "aes-256-gcm";
const nonceBytes = 12;
const tagBytes = 16;
export const keyBytes = 32;

/** @returns nonce, tag and cipher text in one */
export function seal(text: string, key: Uint8Array, person: string, entropy: Entropy): Buffer {
  const nonce = entropy.randomBytes(nonceBytes);
  const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(person));
  const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
}

/** @throws Error when the key, the person or the data is another */
export function unseal(sealed: Uint8Array, key: Uint8Array, person: string): string {
  const decipher = createDecipheriv(algorithm, key, sealed.subarray(0, nonceBytes));
  decipher.setAAD(Buffer.from(person));
  decipher.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes));
  const text = decipher.update(sealed.subarray(nonceBytes + tagBytes));
  return Buffer.concat([text, decipher.final()]).toString("utf8");
}
