/**
 * A trained model as a folder: `model.onnx` (raw values in, raw values out), `weights.safetensors`, `manifest.json` with the
 * SHA-256 of every other file, and its own digest beside it. Nothing is loaded before its digest was checked.
 */
import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { PlatformError, writeFailure } from "../base/index.ts";

const manifestName = "manifest.json";
/** The manifest's own SHA-256, in the form that `sha256sum --check` reads. */
const manifestDigestName = "manifest.json.sha256";
export const artifactFormat = "fathom-model";
export const artifactVersion = 1;

export const Manifest = z.object({
  format: z.literal(artifactFormat),
  version: z.literal(artifactVersion),
  /** What the model is for, such as `forecast`; a service loads only its own kind. */
  kind: z.string(),
  /** SHA-256 and size of every file beside the manifest. */
  files: z.record(
    z.string(),
    z.object({ sha256: z.string().regex(/^[0-9a-f]{64}$/), bytes: z.number().int() }),
  ),
  /** Where the training data came from; the fingerprint is the SHA-256 of its bytes. */
  data: z.object({
    source: z.string(),
    fingerprint: z.string(),
    from: z.string(),
    to: z.string(),
    symbols: z.array(z.string()),
  }),
  /** Everything that decides the result beside the data. */
  configuration: z.record(z.string(), z.unknown()),
  /** Each metric beside its baselines. */
  metrics: z.record(z.string(), z.unknown()),
  parameters: z.number().int(),
  versions: z.record(z.string(), z.string()),
  /** Names the training run by all that decides its result. */
  run: z.string().optional(),
  /** SHA-256 of the manifest of the model that this one is to succeed. */
  parent: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .optional(),
  createdAt: z.string(),
});

export type Manifest = z.infer<typeof Manifest>;

/** What a service says of its model; the rest of the manifest follows from the files. */
export type ManifestFacts = Omit<Manifest, "format" | "version" | "files">;

export interface Artifact {
  readonly folder: string;
  readonly manifest: Manifest;
  /** SHA-256 of the manifest, which holds the digests of all other files. */
  readonly digest: string;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/**
 * Writes files and their manifest into an empty folder. The caller gives the folder its name afterwards, so that an artifact
 * appears whole or not at all.
 *
 * @throws PlatformError `INPUT_INVALID` when a name leads out of the folder, `DISK_FULL` or `WRITE_FAILED`
 */
export async function writeArtifact(
  folder: string,
  files: Readonly<Record<string, Uint8Array | string>>,
  facts: ManifestFacts,
): Promise<Manifest> {
  const digests: Manifest["files"] = {};
  for (const [name, content] of Object.entries(files)) {
    if (!isPlainName(name))
      throw new PlatformError(
        "input",
        "INPUT_INVALID",
        `artifact: expected names of files that lie in its folder, received ${JSON.stringify(name)}`,
      );
    const bytes = typeof content === "string" ? Buffer.from(content) : content;
    digests[name] = { sha256: sha256(bytes), bytes: bytes.byteLength };
    await write(join(folder, name), bytes);
  }
  const manifest: Manifest = { format: artifactFormat, version: artifactVersion, ...facts, files: digests };
  const bytes = Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
  await write(join(folder, manifestName), bytes);
  await write(join(folder, manifestDigestName), Buffer.from(`${sha256(bytes)}  ${manifestName}\n`));
  return manifest;
}

/**
 * Reads an artifact and checks every file against the manifest, before anything else looks at it.
 *
 * @param kind the only kind that the caller can use; any kind when it is left out
 * @throws PlatformError `ARTIFACT_MISSING`, `ARTIFACT_FOREIGN` or `ARTIFACT_CORRUPT`, naming the file
 */
export async function readArtifact(folder: string, kind?: string): Promise<Artifact> {
  const present = await readdir(folder).catch(() => undefined);
  if (!present)
    throw new PlatformError(
      "missing",
      "ARTIFACT_MISSING",
      `${folder}: expected the folder of a model, found none`,
      { file: folder },
    );
  if (!present.includes(manifestName)) {
    throw new PlatformError(
      "conflict",
      "ARTIFACT_FOREIGN",
      `${folder}: expected a model folder with ${manifestName}, which is missing`,
      { file: folder },
    );
  }
  const path = join(folder, manifestName);
  const manifestBytes = await readFile(path).catch((cause: unknown) => {
    throw corrupt(path, "expected a file that can be read", cause);
  });
  const manifest = parseManifest(manifestBytes, path);
  if (kind !== undefined && manifest.kind !== kind) {
    throw new PlatformError(
      "conflict",
      "ARTIFACT_FOREIGN",
      `${path}: expected a model of kind "${kind}", received "${manifest.kind}"`,
      { file: path },
    );
  }
  const recorded = await readFile(join(folder, manifestDigestName), "utf8").catch(() => undefined);
  if (recorded === undefined)
    throw corrupt(join(folder, manifestDigestName), "expected the digest of the manifest, found none");
  if (recorded.slice(0, 64) !== sha256(manifestBytes))
    throw corrupt(
      path,
      `expected the SHA-256 of ${manifestDigestName}, received another: the file was changed`,
    );
  const files: Record<string, Uint8Array> = {};
  for (const [name, expected] of Object.entries(manifest.files)) {
    if (!isPlainName(name))
      throw corrupt(path, `expected names of files in its folder, received ${JSON.stringify(name)}`);
    const file = join(folder, name);
    const bytes = await readFile(file).catch(() => undefined);
    if (!bytes) throw corrupt(file, "expected a file that the manifest lists, found none");
    const received = sha256(bytes);
    if (received !== expected.sha256) {
      throw corrupt(
        file,
        `expected SHA-256 ${expected.sha256.slice(0, 12)}..., received ${received.slice(0, 12)}...: the file was changed`,
      );
    }
    files[name] = bytes;
  }
  const unknown = present.filter((name) => name.endsWith(".onnx") && !(name in files));
  if (unknown.length > 0)
    throw corrupt(join(folder, unknown[0]), "expected only files that the manifest lists");
  return { folder, manifest, digest: sha256(manifestBytes), files };
}

/** Whether a name can only be that of a file in the folder itself, on any system. */
function isPlainName(name: string): boolean {
  return !/[/\\:\0]/.test(name) && !["", ".", "..", manifestName].includes(name);
}

function parseManifest(bytes: Uint8Array, path: string): Manifest {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    throw new PlatformError(
      "conflict",
      "ARTIFACT_CORRUPT",
      `${path}: expected JSON, received ${bytes.byteLength} bytes that are none`,
      { file: path, cause: error },
    );
  }
  const parsed = Manifest.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new PlatformError(
    "conflict",
    "ARTIFACT_FOREIGN",
    `${path}: field ${issue.path.join(".") || "(root)"}: ${issue.message}`,
    { file: path },
  );
}

function corrupt(file: string, message: string, cause?: unknown): PlatformError {
  return new PlatformError("conflict", "ARTIFACT_CORRUPT", `${file}: ${message}`, { file, cause });
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(path, bytes, { flush: true });
  } catch (error) {
    throw writeFailure(path, error);
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
