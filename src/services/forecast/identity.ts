/** Whether a model on the disk is the one that a training would give: the same request, and the same bytes of data. */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import type { ForecastArtifact } from "./artifact.ts";
import type { TrainInput } from "./schema.ts";
import { sizesOf } from "./sizes.ts";

/** A training by everything that decides its result. */
export interface Training {
  readonly input: TrainInput;
  /** SHA-256 of the source's bytes. */
  readonly fingerprint: string;
}

/** A short name that two trainings share only when they give the same model. */
export function trainingName({ input, fingerprint }: Training): string {
  const deciding = JSON.stringify([decidingFields(input), fingerprint]);
  return createHash("sha256").update(deciding).digest("hex").slice(0, 16);
}

/** A field in which a model's training was another one; of the bytes there is nothing to show. */
export type Difference =
  | { readonly field: string; readonly asked: unknown; readonly found: unknown }
  | { readonly field: "data"; readonly bytes: true };

/** How the training of a model differs from the one that is asked for; empty when it is the same. */
export function trainingDifferences(
  {
    configuration,
    artifact,
  }: Pick<ForecastArtifact, "configuration"> & {
    readonly artifact: { readonly manifest: { readonly data: { readonly fingerprint: string } } };
  },
  { input, fingerprint }: Training,
): Difference[] {
  // A model's own request has the sizes that were left to the network written into it.
  const asked = decidingFields({ ...input, ...sizesOf(input, configuration.columns) });
  const found = decidingFields(configuration.input);
  const fields = [...new Set([...Object.keys(asked), ...Object.keys(found)])].filter(
    (field) => JSON.stringify(asked[field]) !== JSON.stringify(found[field]),
  );
  const differences: Difference[] = fields.map((field) => ({
    field,
    asked: asked[field],
    found: found[field],
  }));
  const sameBytes = artifact.manifest.data.fingerprint === fingerprint;
  return sameBytes || fields.includes("data")
    ? differences
    : [...differences, { field: "data", bytes: true }];
}

/** Where a file lies does not matter; its name does, since it is the symbol of a file without a symbol column. */
function decidingFields({ out, replace, data, horizon, ...others }: TrainInput): Record<string, unknown> {
  return { data: basename(data), horizon: [...new Set(horizon)], ...others };
}
