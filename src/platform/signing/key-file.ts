/** Ed25519 keys as PEM files: the installation's own, and those of others that it trusts. */
import { createHash, createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { link, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { asWriteFailure, type Entropy, makeFolder, PlatformError } from "../../base/index.ts";

export interface PublicKey {
  /** What a signature names its key by: the first 32 digits of the SHA-256 of the key (SubjectPublicKeyInfo, DER). */
  readonly id: string;
  readonly key: KeyObject;
  /** PEM, to hand to others. */
  readonly pem: string;
}

export interface KeyPair {
  readonly public: PublicKey;
  readonly private: KeyObject;
}

/** Before the 32 bytes of a private key in PKCS #8 (RFC 8410, section 7). */
const pkcs8Head = Buffer.from("302e020100300506032b657004220420", "hex");

/** @throws PlatformError `SIGNING_KEY_UNUSABLE` */
export function publicKeyOf(pem: string, file: string): PublicKey {
  const key = parse(() => createPublicKey(pem), file, "public");
  const der = key.export({ type: "spki", format: "der" });
  return {
    id: createHash("sha256").update(der).digest("hex").slice(0, 32),
    key,
    pem: key.export({ type: "spki", format: "pem" }).toString(),
  };
}

/**
 * The key pair in a file that only its owner may read.
 *
 * @returns undefined when there is no such file
 * @throws PlatformError `SIGNING_KEY_UNUSABLE`
 */
export async function readKeyPair(file: string): Promise<KeyPair | undefined> {
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw unusable(file, `expected a key that can be read, received ${error.code}`);
  });
  if (found === undefined) return undefined;
  if (process.platform !== "win32" && (found.mode & 0o007) !== 0) {
    const mode = (found.mode & 0o777).toString(8).padStart(4, "0");
    throw unusable(file, `expected mode 0600, received ${mode}: other users may have read the key`);
  }
  const pem = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw unusable(file, `expected a key that can be read, received ${error.code}`);
  });
  const key = parse(() => createPrivateKey(pem), file, "private");
  return {
    private: key,
    public: publicKeyOf(createPublicKey(key).export({ type: "spki", format: "pem" }).toString(), file),
  };
}

/**
 * The installation's key pair, made when there is none. Of several processes that make one at a time, all use the same.
 *
 * @throws PlatformError `SIGNING_KEY_UNUSABLE`, `DISK_FULL` or `WRITE_FAILED`
 */
export async function ensureKeyPair(file: string, entropy: Entropy): Promise<KeyPair> {
  const present = await readKeyPair(file);
  if (present) return present;
  const der = Buffer.concat([pkcs8Head, entropy.randomBytes(32)]);
  const pem = createPrivateKey({ key: der, format: "der", type: "pkcs8" }).export({
    type: "pkcs8",
    format: "pem",
  });
  try {
    await makeFolder(dirname(file), { mode: 0o700 });
    const staging = await mkdtemp(join(dirname(file), ".new-"));
    try {
      await writeFile(join(staging, "key"), pem, { mode: 0o600, flush: true });
      // Appears whole, and fails when another process was first.
      await link(join(staging, "key"), file).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error;
      });
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  } catch (error) {
    throw asWriteFailure(error, file);
  }
  const made = await readKeyPair(file);
  if (made === undefined) throw unusable(file, "expected the key that was written there, found none");
  return made;
}

export function unusable(file: string, message: string): PlatformError {
  return new PlatformError("unavailable", "SIGNING_KEY_UNUSABLE", `${file}: ${message}`, { file });
}

function parse(read: () => KeyObject, file: string, kind: "public" | "private"): KeyObject {
  let key: KeyObject;
  try {
    key = read();
  } catch {
    throw unusable(file, `expected an Ed25519 ${kind} key as PEM, received something else`);
  }
  if (key.asymmetricKeyType === "ed25519") return key;
  throw unusable(file, `expected an Ed25519 ${kind} key, received one of type ${key.asymmetricKeyType}`);
}
