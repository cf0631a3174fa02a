/** Signs artifacts when they are saved, and judges the signature of every one that is loaded. */
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  asWriteFailure,
  type Entropy,
  type Logger,
  makeFolder,
  PlatformError,
  type SigningPort,
  type TrustedKey,
  writeFailure,
} from "../../base/index.ts";
import { ensureKeyPair, type PublicKey, publicKeyOf, readKeyPair } from "./key-file.ts";
import { ArtifactSignature, isSignedBy, signatureName, signManifest } from "./signature.ts";

/** What to do with an artifact without a signature: an older one, or one whose signature was taken away. */
export type Unsigned = "refuse" | "warn";

export interface SignerOptions {
  /** `keys/installation.pem` and `keys/trusted/*.pem` lie in it. */
  readonly dataFolder: string;
  readonly entropy: Entropy;
  /** `refuse` by default. */
  readonly unsigned?: Unsigned | undefined;
  readonly logger?: Pick<Logger, "warn"> | undefined;
}

export interface Signer extends SigningPort {
  /** Signs the artifact in a folder that has no signature yet; one that another installation signed keeps its own. */
  sign(folder: string, options?: { readonly again?: boolean }): Promise<ArtifactSignature | undefined>;
  /**
   * Judges the signature of the artifact in a folder. A folder without a manifest is left to the one who reads it.
   *
   * @param digest of the manifest that was read by whoever asks; the one in the folder is read when absent
   * @returns the signature; undefined for an artifact without one that is let through
   * @throws PlatformError `SIGNATURE_MISSING`, `SIGNATURE_INVALID`, `SIGNER_UNTRUSTED`, `SIGNING_KEY_UNUSABLE`
   */
  check(folder: string, digest?: string): Promise<ArtifactSignature | undefined>;
}

export function signer({ dataFolder, entropy, unsigned = "refuse", logger }: SignerOptions): Signer {
  const keyFile = join(dataFolder, "keys", "installation.pem");
  const trustedFolder = join(dataFolder, "keys", "trusted");

  /** Read anew for each check, so that a key that is no longer trusted is so at once. */
  const trusted = async (): Promise<(TrustedKey & PublicKey)[]> => {
    const own = await readKeyPair(keyFile);
    const names = await readdir(trustedFolder).catch(() => [] as string[]);
    const others = await Promise.all(
      names
        .filter((name) => name.endsWith(".pem"))
        .sort()
        .map(async (name) => {
          const file = join(trustedFolder, name);
          return { name: name.slice(0, -4), ...publicKeyOf(await readFile(file, "utf8"), file) };
        }),
    );
    return [...(own ? [{ name: "this installation", ...own.public }] : []), ...others];
  };

  return {
    async sign(folder, { again = false } = {}) {
      const manifest = await manifestDigest(folder);
      const file = join(folder, signatureName);
      if (manifest === undefined || (!again && (await textOf(file)) !== undefined)) return undefined;
      const pair = await ensureKeyPair(keyFile, entropy);
      const signature = signManifest(manifest, pair.public.id, pair.private);
      await writeFile(file, `${JSON.stringify(signature, null, 2)}\n`, { flush: true }).catch((error) => {
        throw writeFailure(file, error);
      });
      return signature;
    },

    async check(folder, digest) {
      const manifest = digest ?? (await manifestDigest(folder));
      if (manifest === undefined) return undefined;
      const file = join(folder, signatureName);
      const text = await textOf(file);
      if (text === undefined) {
        const message = `${folder}: expected a signed model, found no ${signatureName}`;
        if (unsigned === "refuse") {
          const remedy = "sign it (registry sign) when you know where it comes from";
          throw new PlatformError("conflict", "SIGNATURE_MISSING", `${message}; ${remedy}`, { file: folder });
        }
        logger?.warn(`${message}; it is loaded all the same, as the settings say`);
        return undefined;
      }
      const signature = parse(text, file);
      const keys = await trusted();
      const key = keys.find(({ id }) => id === signature.key);
      if (key === undefined) {
        throw new PlatformError(
          "forbidden",
          "SIGNER_UNTRUSTED",
          `${folder}: expected a signature of a trusted key, received one of key ${signature.key}`,
          { file: folder },
        );
      }
      if (signature.manifest !== manifest)
        throw invalid(
          file,
          `expected a signature of this manifest, received one of another: a file was changed`,
        );
      if (!isSignedBy(manifest, signature, key.key))
        throw invalid(file, `expected a signature of key ${key.id}, received bytes that it did not sign`);
      return signature;
    },

    async trust(name, pem) {
      if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) {
        const message = `name: expected letters, digits, dots and dashes, received ${JSON.stringify(name)}`;
        throw new PlatformError("input", "INPUT_INVALID", message, { field: "name" });
      }
      const file = join(trustedFolder, `${name}.pem`);
      const key = publicKeyOf(pem, "the key to trust");
      try {
        await makeFolder(trustedFolder, { mode: 0o700 });
        await writeFile(file, key.pem, { flush: true });
      } catch (error) {
        throw asWriteFailure(error, file);
      }
      return { name, id: key.id, pem: key.pem };
    },

    async keys() {
      await ensureKeyPair(keyFile, entropy);
      return (await trusted()).map(({ name, id, pem }) => ({ name, id, pem }));
    },
  };
}

/** SHA-256 of the manifest in a folder; undefined when there is none. */
async function manifestDigest(folder: string): Promise<string | undefined> {
  const bytes = await readFile(join(folder, "manifest.json")).catch(() => undefined); // whoever reads it says why
  return bytes && createHash("sha256").update(bytes).digest("hex");
}

async function textOf(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw invalid(file, `expected a file that can be read, received ${error.code}`);
  });
}

function parse(text: string, file: string): ArtifactSignature {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw invalid(file, "expected JSON, received something else");
  }
  const parsed = ArtifactSignature.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalid(file, `field ${issue.path.join(".") || "(root)"}: ${issue.message}`);
}

function invalid(file: string, message: string): PlatformError {
  return new PlatformError("conflict", "SIGNATURE_INVALID", `${file}: ${message}`, { file });
}
