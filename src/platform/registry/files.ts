/** From the store to a folder, and out of the store what nobody refers to. */
import { createHash } from "node:crypto";
import { mkdtemp, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { and, eq, gt, inArray, lt, sql } from "drizzle-orm";
import {
  type ModelVersion,
  makeFolder,
  PlatformError,
  type RegistryPort,
  throwIfAborted,
  writeFailure,
} from "../../base/index.ts";
import { DriftReference, readArtifact, referenceName } from "../../models/index.ts";
import { download, type StoredBlob } from "../artifacts/index.ts";
import { signatureName } from "../signing/index.ts";
import { type Database, registryFiles, registryPins, registryVersions } from "../state/index.ts";
import { manifestName } from "./register.ts";
import { nameOf, referencedRow, versionOf } from "./rows.ts";
import type { World } from "./world.ts";

export interface Files extends Pick<RegistryPort, "open" | "fetch" | "collectGarbage"> {
  /** The edges between classes of a version's scores; null when its artifact keeps no reference. */
  scoreEdges(model: string, version: number): Promise<readonly number[] | null>;
}

/** Blobs that are looked at and removed together, while nobody pins any. */
const garbageBatch = 200;

export function files(world: World): Files {
  const { db, clock, store, signer, cacheFolder } = world;
  /** One fetch of a version at a time in this process; other processes fetch into folders of their own. */
  const fetching = new Map<string, Promise<void>>();

  const fetch: Files["fetch"] = async ({ model, version, digest }, folder, signal) => {
    const listed = await db
      .select()
      .from(registryFiles)
      .where(and(eq(registryFiles.model, model), eq(registryFiles.version, version)));
    const manifest = listed.find(({ name }) => name === manifestName);
    if (manifest === undefined || manifest.sha256 !== digest)
      throw new PlatformError(
        "missing",
        "ARTIFACT_MISSING",
        `${model}@${version}: expected its files in the registry, found none`,
      );
    for (const file of listed) await download(store, file, join(folder, file.name), { signal });
    const [{ signature }] = await db
      .select({ signature: registryVersions.signature })
      .from(registryVersions)
      .where(and(eq(registryVersions.model, model), eq(registryVersions.version, version)));
    try {
      await writeFile(join(folder, `${manifestName}.sha256`), `${digest}  ${manifestName}\n`, {
        flush: true,
      });
      if (signature !== null) await writeFile(join(folder, signatureName), signature, { flush: true });
    } catch (error) {
      throw writeFailure(folder, error);
    }
    await readArtifact(folder);
    await signer.check(folder, digest);
  };

  const keep = async (version: ModelVersion, folder: string, signal: AbortSignal | undefined) => {
    if (await isWhole(folder, version.digest)) return;
    const parent = join(cacheFolder, version.digest.slice(0, 2));
    await makeFolder(parent);
    const staging = await mkdtemp(join(parent, ".fetch-")).catch((error) => {
      throw writeFailure(parent, error);
    });
    try {
      await fetch(version, staging, signal);
      await rm(folder, { recursive: true, force: true }); // one that is not whole, or none
      await rename(staging, folder).catch(async (error) => {
        if (!(await isWhole(folder, version.digest))) throw writeFailure(folder, error);
      });
    } finally {
      await rm(staging, { recursive: true, force: true });
    }
  };

  const open: Files["open"] = async (reference, signal) => {
    const version = await versionOf(db, await referencedRow(db, reference));
    const { digest } = version;
    const folder = join(cacheFolder, digest.slice(0, 2), digest);
    for (;;) {
      const others = fetching.get(digest);
      const running = others ?? keep(version, folder, signal).finally(() => fetching.delete(digest));
      fetching.set(digest, running);
      try {
        await running;
        break;
      } catch (error) {
        throwIfAborted(signal, nameOf(reference));
        // Whoever began it was told to stop; this one was not.
        const wasStopped = error instanceof PlatformError && error.code === "INTERRUPTED";
        if (others === undefined || !wasStopped) throw error;
      }
    }
    return { folder, version };
  };

  return {
    fetch,
    open,

    async scoreEdges(model, version) {
      const { folder } = await open({ model, at: { version } });
      const text = await readFile(join(folder, referenceName), "utf8").catch(() => undefined);
      if (text === undefined) return null;
      const [first] = DriftReference.parse(JSON.parse(text)).scores;
      return first?.edges ?? null;
    },

    async collectGarbage(signal) {
      await db.delete(registryPins).where(lt(registryPins.until, new Date(clock.now())));
      let [blobs, bytes] = [0, 0];
      const collect = async (batch: readonly StoredBlob[]) => {
        const removed = await removeUnreferenced(world, batch, signal);
        blobs += removed.length;
        bytes += removed.reduce((sum, blob) => sum + blob.bytes, 0);
      };
      let batch: StoredBlob[] = [];
      for await (const blob of store.list({ signal })) {
        batch.push(blob);
        if (batch.length < garbageBatch) continue;
        await collect(batch);
        batch = [];
      }
      if (batch.length > 0) await collect(batch);
      return { blobs, bytes };
    },
  };
}

/**
 * Removes those of some blobs that no version has and nobody is about to have. The lock keeps registrations from pinning
 * while it is decided: one that comes later finds the blob gone and stores it again.
 */
async function removeUnreferenced(
  { db, clock, store }: World,
  batch: readonly StoredBlob[],
  signal?: AbortSignal,
) {
  const digests = batch.map(({ sha256 }) => sha256);
  return db.transaction(async (transaction) => {
    const held = transaction as unknown as Database;
    await held.execute(sql`lock table ${registryPins} in share mode`);
    const used = new Set<string>();
    for (const { sha256 } of await referencedOf(held, digests)) used.add(sha256);
    const pinned = await held
      .select({ sha256: registryPins.sha256 })
      .from(registryPins)
      .where(and(inArray(registryPins.sha256, digests), gt(registryPins.until, new Date(clock.now()))));
    for (const { sha256 } of pinned) used.add(sha256);
    const unused = batch.filter(({ sha256 }) => !used.has(sha256));
    for (const { sha256 } of unused) await store.remove(sha256, { signal });
    return unused;
  });
}

export function referencedOf(db: Database, digests: readonly string[]) {
  return db
    .selectDistinct({ sha256: registryFiles.sha256 })
    .from(registryFiles)
    .where(inArray(registryFiles.sha256, [...digests]));
}

/** The folder holds this manifest and every file of it in its size; what is in them is checked by whoever loads them. */
async function isWhole(folder: string, digest: string): Promise<boolean> {
  try {
    const bytes = await readFile(join(folder, manifestName));
    if (createHash("sha256").update(bytes).digest("hex") !== digest) return false;
    const { files: listed } = JSON.parse(bytes.toString("utf8")) as {
      files: Record<string, { bytes: number }>;
    };
    for (const [name, file] of Object.entries(listed))
      if ((await stat(join(folder, name))).size !== file.bytes) return false;
    return true;
  } catch {
    return false; // it is fetched anew, which says what is wrong
  }
}
