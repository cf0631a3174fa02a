/** Takes artifacts in: checked, stored by digest, numbered without a gap. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { and, eq, isNull, sql } from "drizzle-orm";
import { invariant, modelNamePattern, PlatformError, type RegistryPort } from "../../base/index.ts";
import { type Artifact, readArtifact } from "../../models/index.ts";
import type { Blob } from "../artifacts/index.ts";
import { signatureName } from "../signing/index.ts";
import { registryFiles, registryModels, registryPins, registryVersions } from "../state/index.ts";
import { tell } from "./changes.ts";
import { defaultPolicy } from "./promote.ts";
import { versionOf } from "./rows.ts";
import type { World } from "./world.ts";

export const manifestName = "manifest.json";
/** How long files that were sent to the store may wait to be referred to. */
const pinMs = 24 * 3_600_000;

export function registering({ db, clock, changes, store, signer }: World): Pick<RegistryPort, "register"> {
  return {
    async register({ model, folder, note, actor, reason }, signal) {
      requireModelName(model);
      const artifact = await readArtifact(folder);
      const signature = await signer.check(folder, artifact.digest);
      const blobs = await blobsOf(artifact);
      await pin([...blobs.values()].map(({ sha256 }) => sha256));
      for (const [name, blob] of blobs) await store.put(join(folder, name), blob, { signal });
      const text = signature && (await readFile(join(folder, signatureName), "utf8"));
      await db
        .insert(registryModels)
        .values({ name: model, policy: defaultPolicy, changedAt: new Date(clock.now()) })
        .onConflictDoNothing();
      return changes.change(model, async ({ db: held, at }) => {
        const { digest, manifest } = artifact;
        const same = and(
          eq(registryVersions.model, model),
          eq(registryVersions.digest, digest),
          isNull(registryVersions.removedAt),
        );
        const [present] = await held.select().from(registryVersions).where(same);
        if (present) return { version: await versionOf(held, present), isNew: false };
        const [{ version }] = await held
          .update(registryModels)
          .set({ lastVersion: sql`${registryModels.lastVersion} + 1` })
          .where(eq(registryModels.name, model))
          .returning({ version: registryModels.lastVersion });
        const { source, fingerprint, from, to } = manifest.data;
        const [row] = await held
          .insert(registryVersions)
          .values({
            model,
            version,
            digest,
            kind: manifest.kind,
            lineage: {
              data: { source, fingerprint, from, to },
              code: manifest.versions,
              configuration: manifest.configuration,
              run: manifest.run ?? null,
            },
            parentDigest: manifest.parent ?? null,
            metrics: manifest.metrics,
            bytes: [...blobs.values()].reduce((sum, { bytes }) => sum + bytes, 0),
            signature: text ?? null,
            signedBy: signature?.key ?? null,
            note,
            registeredAt: at,
            registeredBy: actor,
          })
          .returning();
        await held
          .insert(registryFiles)
          .values([...blobs].map(([name, blob]) => ({ model, version, name, ...blob })));
        await tell(held, {
          action: "registry.register",
          subject: `${model}@${version}`,
          actor,
          payload: { digest, data: fingerprint, signedBy: signature?.key ?? null, actor, reason },
        });
        return { version: await versionOf(held, row), isNew: true };
      });
    },
  };

  /** From now on the files are no garbage, whether they are stored already or about to be. */
  async function pin(digests: readonly string[]): Promise<void> {
    const until = new Date(clock.now() + pinMs);
    await db
      .insert(registryPins)
      .values([...new Set(digests)].sort().map((sha256) => ({ sha256, until })))
      .onConflictDoUpdate({ target: registryPins.sha256, set: { until } });
  }
}

/** Every file of an artifact that its digest covers, the manifest among them. */
async function blobsOf({ folder, digest, manifest }: Artifact): Promise<Map<string, Blob>> {
  const bytes = await readFile(join(folder, manifestName));
  invariant(
    createHash("sha256").update(bytes).digest("hex") === digest,
    "the manifest is the one that was read",
  );
  return new Map([
    [manifestName, { sha256: digest, bytes: bytes.byteLength }],
    ...Object.entries(manifest.files).map(([name, file]): [string, Blob] => [name, file]),
  ]);
}

/** @throws PlatformError `INPUT_INVALID` */
function requireModelName(model: string): void {
  if (new RegExp(`^${modelNamePattern}$`).test(model)) return;
  throw new PlatformError(
    "input",
    "INPUT_INVALID",
    `model: expected letters, digits, dots and dashes, at most 128, received ${JSON.stringify(model.slice(0, 140))}`,
    { field: "model" },
  );
}
