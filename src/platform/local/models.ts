/**
 * Artifacts as folders on the local disk. A folder appears under its name all at once: it is filled beside its target (so
 * that a rename never crosses file systems), flushed to the disk, and renamed. Whoever looks meanwhile sees the old one.
 */
import { mkdir, mkdtemp, open, readdir, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import {
  asWriteFailure,
  checkWritable,
  type ModelsPort,
  makeFolder,
  PlatformError,
  systemCode,
  throwIfAborted,
} from "../../base/index.ts";
import { readArtifact } from "../../models/index.ts";
import type { Signer } from "../signing/index.ts";

export interface LocalModelsOptions {
  /** Holds `models/` and `checkpoints/`. */
  readonly dataFolder: string;
  /** Where relative paths start; the process's own folder when absent. */
  readonly workingFolder?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Signs what is saved and judges what is loaded; nobody does when absent. */
  readonly signer?: Pick<Signer, "sign" | "check"> | undefined;
}

/** The models port on a local disk. */
export function localModels({ dataFolder, workingFolder, signal, signer }: LocalModelsOptions): ModelsPort {
  const place = (reference: string) => artifactFolder(reference, { dataFolder, workingFolder });
  const targetOf = async (reference: string) => {
    const target = await realpath(place(reference)).catch(() => place(reference));
    await restore(target);
    await refuseForeign(target, reference);
    return target;
  };
  return {
    async prepare(reference) {
      const target = await targetOf(reference);
      for (const folder of [dirname(target), dataFolder, join(dataFolder, "checkpoints")])
        await checkWritable(folder);
      return { replaces: await isArtifact(target) };
    },

    async create(reference, write) {
      const target = await targetOf(reference);
      try {
        await makeFolder(dirname(target));
        const closed = await mkdtemp(join(dirname(target), `.${basename(target)}.staging-`));
        try {
          // Nobody else sees into the outer folder; the inner one has the usual mode, and keeps it under its name.
          const staging = join(closed, basename(target));
          await mkdir(staging);
          await write(staging);
          throwIfAborted(signal, reference);
          await signer?.sign(staging);
          await flush(staging);
          await install(staging, target);
        } finally {
          await rm(closed, { recursive: true, force: true });
        }
      } catch (error) {
        throw asWriteFailure(error, reference);
      }
      return target;
    },

    async discard(reference) {
      const target = await targetOf(reference);
      await rm(target, { recursive: true, force: true });
    },

    async locate(reference) {
      const target = place(reference);
      await restore(target);
      if (await isFolder(target)) {
        await signer?.check(target);
        return target;
      }
      const found = (await isThere(target)) ? "a file" : "nothing there";
      throw new PlatformError(
        "missing",
        "ARTIFACT_MISSING",
        `${reference}: expected the folder of a trained model, found ${found}`,
        { file: reference },
      );
    },

    async check(folder, digest) {
      await signer?.check(folder, digest);
    },

    async sign(reference) {
      const target = place(reference);
      await restore(target);
      await readArtifact(target);
      await signer?.sign(target);
      await signer?.check(target);
      return target;
    },

    async checkpoints(run) {
      refuseOddName(run);
      const folder = join(dataFolder, "checkpoints", run);
      await makeFolder(folder);
      return folder;
    },
  };
}

/**
 * The folder that a reference names: a path when it contains a separator or starts with a dot, else a name below
 * `<dataFolder>/models`.
 *
 * @throws PlatformError `INPUT_INVALID` for an empty reference
 */
export function artifactFolder(
  reference: string,
  { dataFolder, workingFolder }: { dataFolder: string; workingFolder?: string | undefined },
): string {
  if (/[\\/]/.test(reference) || reference.startsWith(".")) return resolve(workingFolder ?? ".", reference);
  refuseOddName(reference);
  return resolve(dataFolder, "models", reference);
}

function refuseOddName(name: string): void {
  if (!/^[^\\/\0.][^\\/\0]*$/.test(name)) {
    throw new PlatformError(
      "input",
      "INPUT_INVALID",
      `expected the name of a model, received ${JSON.stringify(name)}`,
    );
  }
}

/** Replacing a folder deletes what was in it, so anything that does not look like an artifact is left alone. */
async function refuseForeign(target: string, reference: string): Promise<void> {
  const names = await readdir(target).catch(async (error: unknown): Promise<string[]> => {
    if (systemCode(error) === "ENOENT") return [];
    if (systemCode(error) === "ENOTDIR" && !(await isThere(target))) return []; // a folder above is a file: said later
    if (systemCode(error) === "ENOTDIR") {
      const message = `${reference}: expected a new name or a trained model to replace, found a file; it was left as it is`;
      throw new PlatformError("unavailable", "WRITE_FAILED", message, { file: reference });
    }
    throw asWriteFailure(error, reference);
  });
  if (names.length === 0 || (await isArtifact(target))) return;
  throw new PlatformError(
    "conflict",
    "ARTIFACT_FOREIGN",
    `${reference}: expected a new name or a trained model to replace, found a folder of other files (${names.slice(0, 3).join(", ")}); it was left as it is`,
    { file: reference },
  );
}

/** Every artifact, whole or damaged, of any version: the format in its manifest begins with our name. */
async function isArtifact(folder: string): Promise<boolean> {
  try {
    const manifest: unknown = JSON.parse(await readFile(join(folder, "manifest.json"), "utf8"));
    return String((manifest as { format?: unknown } | null)?.format).startsWith("fathom-");
  } catch {
    return false; // no manifest, or not one of ours: the folder is left alone
  }
}

/** Where the old artifact waits while the new one takes its name. */
const previousOf = (target: string) => join(dirname(target), `.${basename(target)}.previous`);

/** Puts the old artifact back when a crash fell between the two renames of `install`. */
async function restore(target: string): Promise<void> {
  if ((await isFolder(target)) || !(await isFolder(previousOf(target)))) return;
  await rename(previousOf(target), target).catch((error: unknown) => {
    if (systemCode(error) !== "ENOENT" && systemCode(error) !== "ENOTEMPTY") throw error; // another reader was first
  });
}

async function install(staging: string, target: string): Promise<void> {
  const previous = previousOf(target);
  for (let attempt = 1; ; attempt++) {
    await rm(previous, { recursive: true, force: true });
    if (await isFolder(target)) await rename(target, previous);
    try {
      await rename(staging, target);
      break;
    } catch (error) {
      // A reader may have put the old one back between the two renames.
      if (!["ENOTEMPTY", "EEXIST"].includes(systemCode(error) ?? "") || attempt === 5) {
        await restore(target);
        throw error;
      }
    }
  }
  await flushFile(dirname(target));
  await rm(previous, { recursive: true, force: true });
}

/** Asks the system to bring a folder and all that is in it to the disk. */
async function flush(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await flush(path);
    else if (entry.isFile()) await flushFile(path);
  }
  await flushFile(folder);
}

async function flushFile(path: string): Promise<void> {
  if (process.platform === "win32" && (await isFolder(path))) return; // folders cannot be opened there
  const handle = await open(path, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
