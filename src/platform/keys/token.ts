/**
 * The text of a key: `fathom_<prefix>_<secret><checksum>`. Letters and digits only, so that a double click selects all of
 * it; a fixed form, so that secret scanners find it where it should not be; a checksum, so that a slip of the hand is
 * refused without a question to the database.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Entropy } from "../../base/index.ts";

const prefixBytes = 8;
const secretBytes = 32;
const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** Digits of base 62 that hold 256 bits: 62^43 > 2^256. */
const secretLength = 43;
/** And 32 bits: 62^6 > 2^32. */
const checksumLength = 6;

export const tokenPattern = new RegExp(
  `^fathom_([0-9a-f]{${2 * prefixBytes}})_([0-9A-Za-z]{${secretLength}})([0-9A-Za-z]{${checksumLength}})$`,
);

/** A new token, of 256 bits that nobody can guess, and its public part. */
export function newToken(entropy: Entropy): { readonly prefix: string; readonly token: string } {
  const prefix = Buffer.from(entropy.randomBytes(prefixBytes)).toString("hex");
  const secret = inBase62(Buffer.from(entropy.randomBytes(secretBytes)), secretLength);
  const body = `fathom_${prefix}_${secret}`;
  return { prefix, token: body + checksumOf(body) };
}

/**
 * The public part of what may be a token; undefined when its form or its checksum says that it is none.
 *
 * @example
 * prefixOf("fathom_0123456789abcdef_short"); // => undefined
 */
export function prefixOf(text: string): string | undefined {
  const match = tokenPattern.exec(text);
  if (match === null) return undefined;
  return checksumOf(text.slice(0, -checksumLength)) === match[3] ? match[1] : undefined;
}

/**
 * What is stored in the place of a token: HMAC-SHA-256 under a key of the installation.
 *
 * A fast hash is right here, where it would be wrong for a password: the secret is 256 bits of chance, so that guessing is
 * hopeless at any speed, and a slow hash (Argon2, bcrypt) would only make every request slow, and a server easy to
 * overload with wrong keys. The key ties a stored hash to its installation: a row that is copied into another database
 * lets nobody in.
 *
 * @see NIST SP 800-63B, 5.1.2.2: look-up secrets with at least 112 bits of entropy need an approved hash, and no salt or stretching
 */
export function hashOf(token: string, installationKey: Uint8Array): string {
  return createHmac("sha256", installationKey).update(token).digest("hex");
}

/** Whether two hashes are equal, in a time that says nothing of where they differ. */
export function sameHash(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a, "hex"), Buffer.from(b, "hex")];
  return left.length === right.length && timingSafeEqual(left, right);
}

function checksumOf(body: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(body));
  return inBase62(bytes, checksumLength);
}

function inBase62(bytes: Buffer, length: number): string {
  let rest = BigInt(`0x${bytes.toString("hex")}`);
  let text = "";
  for (let i = 0; i < length; i++) {
    text = digits[Number(rest % 62n)] + text;
    rest /= 62n;
  }
  return text;
}
