/**
 * Models of the registry: `name` (its champion), `name@alias`, `name@3` or `name@sha256:...`. A serving plan of the registry decides who
 * is answered by a candidate or whose requests it gets too, and is told in groups how both did.
 */
import { join } from "node:path";
import { type Logger, PlatformError } from "../../base/index.ts";
import { readArtifact } from "../../models/index.ts";
import type { InferenceTensor } from "./datatypes.ts";
import type { ArmOutcome, Candidate, ModelSource, ServableModel } from "./source.ts";

/** What serving needs of the registry; its port fits. */
export interface ServingRegistry<Reference, Plan extends RegistryPlan> {
  /** The versions in charge, by model. */
  champions(page: {
    readonly after?: string | undefined;
    readonly limit: number;
  }): Promise<readonly RegistryVersion[]>;
  resolve(reference: Reference): Promise<RegistryVersion>;
  open(reference: Reference): Promise<{ readonly folder: string; readonly version: RegistryVersion }>;
  /** Whether a model has this name. */
  has(model: string): Promise<boolean>;
  servingPlan(model: string): Promise<Plan | undefined>;
  recordOutcomes(plan: Plan, outcomes: readonly RegistryOutcome[]): Promise<unknown>;
}

export interface RegistryVersion {
  readonly model: string;
  readonly version: number;
  readonly digest: string;
}

export interface RegistryPlan {
  readonly id: number;
  readonly model: string;
  readonly champion: number;
  readonly candidate: number;
  readonly mode: "shadow" | "canary";
}

export interface RegistryOutcome {
  readonly arm: "champion" | "candidate";
  readonly failed: boolean;
  readonly latencyMs: number;
  readonly scores?: ArrayLike<number>;
  readonly disagrees?: boolean;
}

export interface RegistrySourceOptions<Reference, Plan extends RegistryPlan> {
  /** Opened when it is first needed. */
  readonly registry: () => Promise<ServingRegistry<Reference, Plan>>;
  /** Reads `name@version`; undefined for a plain name. */
  readonly referenceOf: (text: string) => Reference | undefined;
  readonly isCandidateFor: (plan: Plan, key: string) => boolean;
  readonly answersDiffer: (champion: ArrayLike<number>, candidate: ArrayLike<number>) => boolean;
  readonly logger: Logger;
  /** How long outcomes are gathered before the registry is told; a second when absent. */
  readonly tellMs?: number;
}

/** The file of an artifact that is served. */
const modelFile = "model.onnx";
const pageSize = 500;
/** Outcomes that are kept for the registry; of more, which only a registry that does not answer leaves, the oldest are lost. */
const outcomeLimit = 10_000;

/** Models of the registry, as a source. `close` tells the registry what it has not been told yet. */
export function registrySource<Reference, Plan extends RegistryPlan>(
  options: RegistrySourceOptions<Reference, Plan>,
): ModelSource & { close(): Promise<void> } {
  const { registry, referenceOf, isCandidateFor, answersDiffer, logger, tellMs = 1000 } = options;
  const untold = new Map<number, { readonly plan: Plan; outcomes: RegistryOutcome[] }>();
  let timer: NodeJS.Timeout | undefined;

  const tell = async () => {
    timer = undefined;
    const all = [...untold.values()];
    untold.clear();
    for (const { plan, outcomes } of all)
      await (await registry()).recordOutcomes(plan, outcomes).catch((error: unknown) => {
        const reason = error instanceof Error ? error.message : String(error);
        logger.warn("outcomes of a serving plan were not recorded", { model: plan.model, reason });
      });
  };
  const observe = (plan: Plan) => (outcome: ArmOutcome) => {
    const known = untold.get(plan.id) ?? { plan, outcomes: [] };
    known.outcomes.push(registryOutcome(outcome, answersDiffer));
    if (known.outcomes.length > outcomeLimit) known.outcomes.shift();
    untold.set(plan.id, known);
    timer ??= setTimeout(() => void tell(), tellMs).unref();
  };

  const servable = (asked: string, reference: Reference, version: RegistryVersion): ServableModel => ({
    name: asked,
    version: String(version.version),
    digest: version.digest,
    async read() {
      const { folder } = await (await registry()).open(reference);
      const artifact = await readArtifact(folder);
      const bytes = artifact.files[modelFile];
      if (artifact.digest === version.digest && bytes !== undefined) return bytes;
      const expected = artifact.digest === version.digest ? modelFile : `digest ${version.digest}`;
      const message = `${asked}: expected an artifact with ${expected}, found another`;
      throw new PlatformError("conflict", "ARTIFACT_CORRUPT", message, { file: join(folder, modelFile) });
    },
  });
  const find = async (asked: string, text: string): Promise<ServableModel | undefined> => {
    const reference = referenceOf(text);
    if (reference === undefined) return undefined;
    const version = await (await registry()).resolve(reference).catch(nothingThere);
    return version && servable(asked, reference, version);
  };
  /** A model without a champion answers nobody, least of all with what lies in a folder under its name. */
  const refuseHeadless = async (name: string): Promise<void> => {
    if (!(await (await registry()).has(name))) return;
    const message = `${name}: expected a registered model with a champion, found none; ask for a version, or promote one`;
    throw new PlatformError("missing", "MODEL_UNKNOWN", message, { field: "model" });
  };
  const candidateOf = async (
    asked: string,
    champion: ServableModel,
    model: string,
  ): Promise<Candidate | undefined> => {
    const plan = await (await registry()).servingPlan(model).catch(nothingThere);
    // A plan compares with the champion that it began with; after a promotion it has nothing to say.
    if (plan === undefined || String(plan.champion) !== champion.version) return undefined;
    const candidate = await find(asked, `${model}@${plan.candidate}`);
    return (
      candidate && {
        plan: String(plan.id),
        model: candidate,
        mode: plan.mode,
        isFor: (key) => isCandidateFor(plan, key),
        observe: observe(plan),
      }
    );
  };

  return {
    async find(name, version) {
      if (/[\\/]/.test(name) || name.startsWith(".")) return undefined;
      const [model, at] = name.split("@");
      // A name with a version in it cannot have another one.
      if (version !== undefined && at !== undefined && at !== "champion") {
        const primary = await find(name, name);
        return primary?.version === version ? { primary } : undefined;
      }
      const text = version === undefined ? `${model}@${at ?? "champion"}` : `${model}@${version}`;
      if (version !== undefined && !/^[1-9]\d{0,8}$/.test(version)) return undefined;
      const primary = await find(name, text);
      if (primary === undefined && text === `${name}@champion`) await refuseHeadless(name);
      if (primary === undefined) return undefined;
      const isShared = version === undefined && (at ?? "champion") === "champion";
      return { primary, candidate: isShared ? await candidateOf(name, primary, model) : undefined };
    },
    async list() {
      const found: Pick<ServableModel, "name" | "version" | "digest">[] = [];
      let after: string | undefined;
      for (;;) {
        const page = await (await registry()).champions({ after, limit: pageSize });
        for (const { model, version, digest } of page)
          found.push({ name: model, version: String(version), digest });
        if (page.length < pageSize) return found;
        after = page.at(-1)?.model;
      }
    },
    async close() {
      clearTimeout(timer);
      await tell();
    },
  };
}

/** The scores are the numbers of the first output of floats. */
function registryOutcome(
  { arm, failed, latencyMs, outputs, expected }: ArmOutcome,
  answersDiffer: (champion: ArrayLike<number>, candidate: ArrayLike<number>) => boolean,
): RegistryOutcome {
  const scores = outputs && numbersOf(outputs);
  const champion = expected && numbersOf(expected);
  return {
    arm: arm === "primary" ? "champion" : "candidate",
    failed,
    latencyMs,
    ...(scores !== undefined && { scores }),
    ...(scores !== undefined && champion !== undefined && { disagrees: answersDiffer(champion, scores) }),
  };
}

function numbersOf(outputs: Readonly<Record<string, InferenceTensor>>): ArrayLike<number> | undefined {
  const found = Object.values(outputs).find(({ datatype }) => datatype === "FP32" || datatype === "FP64");
  return found?.data as Float32Array | undefined;
}

function nothingThere(error: unknown): undefined {
  if (error instanceof PlatformError && error.kind === "missing") return undefined;
  throw error;
}
