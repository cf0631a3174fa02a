/** The key pair of an installation: Ed25519 (RFC 8032), in the data folder, readable by its owner alone. */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { link, mkdir, open, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { PlatformError, writeFailure } from "../../base/index.ts";

/** The private key of a file, made at the first time. */
export async function installationKey(file: string): Promise<KeyObject> {
  try {
    return createPrivateKey(await readFile(file, "utf8"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw unreadable(file, error);
  }
  const { privateKey } = generateKeyPairSync("ed25519");
  const draft = `${file}.${process.pid}`;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(draft, "w", 0o600);
    try {
      await handle.writeFile(privateKey.export({ type: "pkcs8", format: "pem" }));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(draft, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error; // another process was first: its key is the one
    });
  } catch (error) {
    throw writeFailure(file, error);
  } finally {
    await rm(draft, { force: true });
  }
  return createPrivateKey(await readFile(file, "utf8"));
}

function unreadable(file: string, error: unknown): PlatformError {
  const { message } = error as Error;
  return new PlatformError(
    "unavailable",
    "STATE_UNAVAILABLE",
    `${file}: the installation's private key could not be read: ${message}`,
    { file, cause: error },
  );
}
