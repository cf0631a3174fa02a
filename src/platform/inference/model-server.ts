/**
 * Serves models by name: finds them in their sources, loads them when they are first asked for, warms them up, and replaces them
 * when their source names another one. The old one answers until the new one is ready, and is given up when it has answered the last
 * of its requests, so that no request is dropped.
 */
import { type Logger, PlatformError } from "../../base/index.ts";
import { readOnnx } from "../../engine/index.ts";
import { checkInputs } from "./check-inputs.ts";
import { type InferenceTensor, signatureOf } from "./datatypes.ts";
import { InferencePool, type OpenedModel, type PoolOptions, type PoolSettings } from "./pool.ts";
import { type ModelSignature, probe } from "./probe.ts";
import type { InferenceTiming } from "./request-queue.ts";
import type { Candidate, ModelSource, ServableModel, ServingPlan } from "./source.ts";

export interface ModelServerOptions extends PoolOptions, PoolSettings {
  /** Asked in this order. */
  readonly sources: readonly ModelSource[];
  readonly logger: Logger;
  /** Models in memory; of more, the one that was asked for longest ago is given up. */
  readonly maxLoaded: number;
  /** How often sources are asked whether a loaded model has another version. */
  readonly refreshMs: number;
  readonly onInference?: (inference: InferenceFacts) => void;
  readonly onShadow?: (comparison: ShadowComparison) => void;
}

/** An answered or failed request, for those who count. */
export interface InferenceFacts {
  readonly model: string;
  readonly version: string;
  readonly outcome: "ok" | "error";
  readonly timing?: InferenceTiming;
}

/** What a shadow answered to the same request. */
export interface ShadowComparison {
  readonly name: string;
  readonly primary: string;
  readonly shadow: string;
  /** Largest difference of two values as a fraction of the larger one, 1 at least; null when the shadow gave no answer of this shape. */
  readonly difference: number | null;
}

export interface InferenceQuery {
  readonly name: string;
  readonly version?: string | undefined;
  readonly inputs: Readonly<Record<string, InferenceTensor>>;
  /** Every output when absent. */
  readonly outputs?: readonly string[] | undefined;
  /** Requests of one key are always answered by the same version. */
  readonly key?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ModelIdentity {
  readonly name: string;
  readonly version: string;
  readonly digest: string;
}

export interface InferenceReply {
  readonly model: ModelIdentity;
  readonly outputs: Readonly<Record<string, InferenceTensor>>;
  readonly timing: InferenceTiming;
}

export interface ModelDescription extends ModelIdentity, ModelSignature {
  readonly batchable: boolean;
}

/** A model in memory. Several names may mean it. */
interface Loaded extends ModelSignature {
  readonly digest: string;
  readonly opened: OpenedModel;
}

interface Deployment {
  readonly model: ServableModel;
  readonly loaded: Loaded;
}

/** What answers for a name (and a version, where one was asked for). */
interface Entry {
  primary: Deployment;
  candidate?: (Candidate & { readonly deployment: Deployment }) | undefined;
  usedAt: number;
  pinned: boolean;
}

export class ModelServer {
  private readonly options: ModelServerOptions;
  private readonly pool: InferencePool;
  private readonly entries = new Map<string, Entry>();
  private readonly opening = new Map<string, Promise<void>>();
  /** By digest, so that two names of one model share its memory. */
  private readonly held = new Map<string, { readonly loading: Promise<Loaded>; users: number }>();
  private readonly timer: NodeJS.Timeout;
  private refreshing: Promise<void> | undefined;
  private closed = false;

  constructor(options: ModelServerOptions) {
    this.options = options;
    this.pool = new InferencePool(options);
    this.timer = setInterval(() => {
      this.refreshing ??= this.refresh().finally(() => {
        this.refreshing = undefined;
      });
    }, options.refreshMs).unref();
  }

  /**
   * Answers a request.
   *
   * @throws PlatformError `MODEL_UNKNOWN`, `SHAPE_MISMATCH`, `INPUT_INVALID` for an output that is not there, `SERVER_BUSY`,
   * `INFERENCE_FAILED`, `INFERENCE_TIMEOUT`, `INFERENCE_THREAD_LOST`, and what loading throws
   */
  async infer(query: InferenceQuery): Promise<InferenceReply> {
    const { name, version, inputs, signal } = query;
    const entry = await this.entryOf(name, version);
    entry.usedAt = this.options.elapsed();
    const { primary, candidate } = entry;
    const isTried = candidate !== undefined && query.key !== undefined && candidate.isFor(query.key);
    const arm = isTried && candidate.mode === "canary" ? "candidate" : "primary";
    const { model, loaded } = arm === "candidate" && candidate ? candidate.deployment : primary;
    checkInputs(loaded.inputs, inputs, model.name);
    const outputs = query.outputs ?? loaded.outputs.map((output) => output.name);
    requireOutputs(loaded, outputs, model.name);
    const mirrored = isTried && candidate.mode === "shadow" ? copyOf(inputs) : undefined;
    const { queue } = loaded.opened;
    const facts = { model: model.name, version: model.version };
    const startedAt = this.options.elapsed();
    const latencyMs = () => this.options.elapsed() - startedAt;
    try {
      const answer = await queue.add({ inputs, outputs, signal });
      this.options.onInference?.({ ...facts, outcome: "ok", timing: answer.timing });
      candidate?.observe?.({ arm, failed: false, latencyMs: latencyMs(), outputs: answer.outputs });
      if (candidate !== undefined && mirrored !== undefined)
        this.mirror(model, candidate, mirrored, answer.outputs);
      return { model: identityOf(model), ...answer };
    } catch (error) {
      this.options.onInference?.({ ...facts, outcome: "error" });
      if (isFailure(error)) candidate?.observe?.({ arm, failed: true, latencyMs: latencyMs() });
      throw error;
    }
  }

  /** What a model takes and answers with. Loads it when it is not loaded yet. @throws PlatformError as `infer` */
  async describe(name: string, version?: string): Promise<ModelDescription> {
    const entry = await this.entryOf(name, version);
    const { model, loaded } = entry.primary;
    const { inputs, outputs, opened } = loaded;
    return { ...identityOf(model), inputs, outputs, batchable: opened.queue.batchable };
  }

  /** Everything that can be asked for. */
  async list(): Promise<readonly (ModelIdentity & { readonly loaded: boolean })[]> {
    const lists = await Promise.all(this.options.sources.map((source) => source.list()));
    const known = new Map<string, ModelIdentity & { readonly loaded: boolean }>();
    for (const { name, version, digest } of lists.flat()) {
      const key = keyOf(name, version);
      if (!known.has(key)) known.set(key, { name, version, digest, loaded: this.held.has(digest) });
    }
    return [...known.values()];
  }

  /** Loads a model that is never given up for another one. @throws PlatformError as `infer` */
  async preload(name: string): Promise<void> {
    (await this.entryOf(name)).pinned = true;
  }

  /** Requests that wait, by model. */
  depths(): { readonly name: string; readonly depth: number }[] {
    return [...this.entries.values()].map(({ primary }) => ({
      name: primary.model.name,
      depth: primary.loaded.opened.queue.depth,
    }));
  }

  /** Seconds after which a caller who was refused may try again. */
  retryAfterSeconds(name: string, version?: string): number {
    return this.entries.get(keyOf(name, version))?.primary.loaded.opened.queue.retryAfterSeconds() ?? 1;
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    await this.refreshing;
    await Promise.allSettled(this.opening.values());
    await this.pool.close();
  }

  /** Asks the sources whether what is loaded is still what they have, and replaces what is not. */
  async refresh(): Promise<void> {
    for (const [key, entry] of [...this.entries]) {
      if (this.closed) return;
      const [name, version] = key.split("\n");
      try {
        const plan = await this.planOf(name, version || undefined);
        if (this.entries.get(key) !== entry) continue; // replaced meanwhile
        if (plan === undefined && !entry.pinned) this.remove(key, entry);
        if (plan === undefined || isSame(plan, entry)) continue;
        const fresh = await this.deploy(plan);
        this.entries.set(key, { ...entry, ...fresh });
        this.giveUp(entry);
        this.options.logger.info("model replaced", { model: name, version: plan.primary.version });
      } catch (error) {
        // The old one goes on answering.
        const reason = error instanceof Error ? error.message : String(error);
        this.options.logger.warn("model not replaced", { model: name, reason });
      }
    }
  }

  private async entryOf(name: string, version?: string): Promise<Entry> {
    const key = keyOf(name, version);
    for (;;) {
      const entry = this.entries.get(key);
      if (entry !== undefined) return entry;
      if (this.closed)
        throw new PlatformError("unavailable", "SERVER_STOPPING", `${name}: the server is being stopped`);
      let opening = this.opening.get(key);
      if (opening === undefined) {
        opening = this.open(key, name, version).finally(() => this.opening.delete(key));
        this.opening.set(key, opening);
      }
      await opening;
    }
  }

  private async open(key: string, name: string, version: string | undefined): Promise<void> {
    const plan = await this.planOf(name, version);
    if (plan === undefined) {
      const what = version === undefined ? "" : `, version ${JSON.stringify(version)}`;
      const message = `expected a model of this server, received ${JSON.stringify(name)}${what}`;
      throw new PlatformError("missing", "MODEL_UNKNOWN", message);
    }
    const deployed = await this.deploy(plan);
    this.entries.set(key, { ...deployed, usedAt: this.options.elapsed(), pinned: false });
    this.makeRoom(key);
  }

  private async planOf(name: string, version: string | undefined): Promise<ServingPlan | undefined> {
    for (const source of this.options.sources) {
      const plan = await source.find(name, version);
      if (plan !== undefined) return plan;
    }
    return undefined;
  }

  private async deploy(plan: ServingPlan): Promise<Pick<Entry, "primary" | "candidate">> {
    const primary = await this.acquire(plan.primary);
    if (plan.candidate === undefined) return { primary, candidate: undefined };
    try {
      const deployment = await this.acquire(plan.candidate.model);
      return { primary, candidate: { ...plan.candidate, deployment } };
    } catch (error) {
      this.release(primary);
      throw error;
    }
  }

  private async acquire(model: ServableModel): Promise<Deployment> {
    let holder = this.held.get(model.digest);
    if (holder === undefined) {
      holder = { loading: this.load(model), users: 0 };
      this.held.set(model.digest, holder);
      holder.loading.catch(() => this.held.delete(model.digest));
    }
    holder.users++;
    return { model, loaded: await holder.loading };
  }

  private release({ loaded }: Deployment): void {
    const holder = this.held.get(loaded.digest);
    if (holder === undefined || --holder.users > 0) return;
    this.held.delete(loaded.digest);
    void loaded.opened.close();
  }

  private async load(model: ServableModel): Promise<Loaded> {
    const bytes = await model.read();
    const label = `${model.name} ${model.version}`;
    const onnx = readOnnx(bytes, label);
    const signature = {
      inputs: signatureOf(onnx.inputs, label),
      outputs: signatureOf(onnx.outputs, label),
    };
    const opened = await this.pool.open(
      { label: model.name, bytes, outputs: signature.outputs, batchable: false },
      this.options,
    );
    try {
      opened.queue.batchable = await probe(opened.queue, signature, this.options.workers);
    } catch (error) {
      void opened.close();
      throw error;
    }
    return { ...signature, digest: model.digest, opened };
  }

  private makeRoom(keep: string): void {
    while (this.entries.size > this.options.maxLoaded) {
      let oldest: [string, Entry] | undefined;
      for (const one of this.entries)
        if (one[0] !== keep && !one[1].pinned && (oldest === undefined || one[1].usedAt < oldest[1].usedAt))
          oldest = one;
      if (oldest === undefined) return;
      this.remove(...oldest);
    }
  }

  private remove(key: string, entry: Entry): void {
    this.entries.delete(key);
    this.giveUp(entry);
  }

  private giveUp({ primary, candidate }: Entry): void {
    this.release(primary);
    if (candidate !== undefined) this.release(candidate.deployment);
  }

  /** Off the path of the request: the caller has its answer already. */
  private mirror(
    primary: ServableModel,
    { deployment: { model, loaded }, observe }: NonNullable<Entry["candidate"]>,
    inputs: InferenceQuery["inputs"],
    expected: InferenceReply["outputs"],
  ): void {
    const report = (difference: number | null) =>
      this.options.onShadow?.({
        name: primary.name,
        primary: primary.version,
        shadow: model.version,
        difference,
      });
    const startedAt = this.options.elapsed();
    const latencyMs = () => this.options.elapsed() - startedAt;
    const answer = async () => {
      checkInputs(loaded.inputs, inputs, model.name);
      requireOutputs(loaded, Object.keys(expected), model.name);
      return loaded.opened.queue.add({ inputs, outputs: Object.keys(expected) });
    };
    answer().then(
      ({ outputs }) => {
        observe?.({ arm: "candidate", failed: false, latencyMs: latencyMs(), outputs, expected });
        report(differenceOf(expected, outputs));
      },
      () => {
        observe?.({ arm: "candidate", failed: true, latencyMs: latencyMs() });
        report(null);
      },
    );
  }
}

const keyOf = (name: string, version = "") => `${name}\n${version}`;
const identityOf = ({ name, version, digest }: ServableModel): ModelIdentity => ({ name, version, digest });

function isSame(plan: ServingPlan, { primary, candidate }: Entry): boolean {
  const same = (a: ServableModel | undefined, b: ServableModel | undefined) =>
    a?.digest === b?.digest && a?.version === b?.version;
  return (
    same(plan.primary, primary.model) &&
    same(plan.candidate?.model, candidate?.deployment.model) &&
    plan.candidate?.plan === candidate?.plan
  );
}

/** Whether the model is to blame, or what runs it: neither a caller who left nor a server that is full. */
function isFailure(error: unknown): boolean {
  const codes = ["INTERRUPTED", "SERVER_BUSY", "SERVER_STOPPING"];
  return !(error instanceof PlatformError && codes.includes(error.code));
}

function requireOutputs({ outputs }: ModelSignature, asked: readonly string[], model: string): void {
  const unknown = asked.find((name) => !outputs.some((output) => output.name === name));
  if (unknown === undefined) return;
  const known = outputs.map(({ name }) => `"${name}"`).join(", ");
  const message = `${model}: expected output ${known}, received ${JSON.stringify(unknown)}`;
  throw new PlatformError("input", "INPUT_INVALID", message, { field: "outputs" });
}

function copyOf(inputs: InferenceQuery["inputs"]): InferenceQuery["inputs"] {
  const copies = Object.entries(inputs).map(([name, { datatype, shape, data }]) => {
    return [name, { datatype, shape, data: data.slice() as InferenceTensor["data"] }] as const;
  });
  return Object.fromEntries(copies);
}

function differenceOf(
  expected: InferenceReply["outputs"],
  received: InferenceReply["outputs"],
): number | null {
  let largest = 0;
  for (const [name, { shape, data }] of Object.entries(expected)) {
    const other = received[name];
    if (String(other.shape) !== String(shape)) return null;
    for (let i = 0; i < data.length; i++) {
      const [a, b] = [Number(data[i]), Number(other.data[i])];
      if (Object.is(a, b)) continue;
      const difference = Math.abs(a - b) / Math.max(1, Math.abs(a), Math.abs(b));
      if (!(difference <= largest))
        largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
    }
  }
  return largest;
}
