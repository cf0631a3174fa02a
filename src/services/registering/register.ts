/**
 * Takes trained models into the registry: one way, whether it was asked for by itself, with a training, or by a retraining. It is a room
 * of its own because the service of the registry trains, and the service that trains registers.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import {
  type Access,
  aliasPattern,
  type Context,
  type ModelVersion,
  modelNamePattern,
  ownerActor,
  PlatformError,
  reservedAliases,
  throwIfAborted,
} from "../../base/index.ts";

const reserved = reservedAliases.map((alias) => `${alias}$`).join("|");

/** Where a new version goes: `spy`, or `spy@challenger`, which then points to it. */
export const VersionTarget = z
  .string()
  .regex(
    new RegExp(`^${modelNamePattern}(?:@(?!${reserved})${aliasPattern})?$`),
    `expected the name of a model, or name@alias with another alias than ${reservedAliases.join(", ")}`,
  );

export function targetOf(target: string): { readonly model: string; readonly alias?: string } {
  const [model, alias] = target.split("@");
  return alias === undefined ? { model } : { model, alias };
}

/** What somebody has to have the right to who names a target. */
export function rightsToRegister(target: string): readonly Access[] {
  const rights = targetOf(target).alias === undefined ? ["register"] : ["register", "alias"];
  return rights.map((action) => ({ name: `registry.${action}`, effect: "writes" }));
}

export interface Registered {
  readonly version: ModelVersion;
  /** False when the same bytes were a version of the model already. */
  readonly isNew: boolean;
}

/**
 * Registers an artifact in the name of who asks, after its signature was checked, and points an alias to the version. What is not
 * available for the moment is tried again here: a job that failed for it would train its model a second time.
 *
 * @param artifact a path, or a name below the data folder's models
 * @param waitsMs how long to wait before each further try, milliseconds
 * @throws PlatformError `ARTIFACT_*`, `SIGNATURE_*`, `SIGNER_UNTRUSTED`, `STORE_*`, and `ALIAS_RESERVED` for an alias that is not set so
 */
export async function registerArtifact(
  request: {
    readonly artifact: string;
    readonly model: string;
    readonly alias?: string;
    readonly note: string;
    readonly reason: string;
  },
  { models, signal, logger, actor = ownerActor, platform }: RegisteringContext,
  { waitsMs = [1_000, 2_000, 4_000, 8_000] }: { readonly waitsMs?: readonly number[] } = {},
): Promise<Registered> {
  const { artifact, alias, model, note, reason } = request;
  const folder = await models.locate(artifact);
  const patiently = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    for (const waitMs of waitsMs) {
      try {
        return await work();
      } catch (error) {
        const failure = unavailable(error);
        if (failure === undefined) throw error;
        logger.warn(`${model}: not registered yet, tried again in ${waitMs / 1_000} s: ${failure.message}`);
        await sleep(waitMs, undefined, { signal }).catch(() => throwIfAborted(signal, model));
      }
    }
    return work();
  };
  const { registry } = await patiently(platform);
  const registered = await patiently(() => registry.register({ model, folder, note, reason, actor }, signal));
  if (alias !== undefined)
    await patiently(() => registry.setAlias(model, alias, registered.version.version, { actor, reason }));
  return registered;
}

type RegisteringContext = Pick<Context, "models" | "signal" | "logger" | "actor" | "platform">;

/** What may pass, also where the library of queries wraps it. */
function unavailable(error: unknown): PlatformError | undefined {
  const isWrapped = error instanceof Error && !(error instanceof PlatformError);
  const failure = isWrapped ? error.cause : error;
  return failure instanceof PlatformError && failure.kind === "unavailable" ? failure : undefined;
}
