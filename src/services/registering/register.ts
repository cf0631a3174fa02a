/**
 * Takes trained models into the registry: one way, whether it was asked for by itself, with a training, or by a retraining. It is a room
 * of its own because the service of the registry trains, and the service that trains registers.
 */
import { z } from "zod";
import {
  type Access,
  aliasPattern,
  type Context,
  type ModelVersion,
  modelNamePattern,
  ownerActor,
  reservedAliases,
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
 * Registers an artifact in the name of who asks, after its signature was checked, and points an alias to the version.
 *
 * @param artifact a path, or a name below the data folder's models
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
  { models, signal, actor = ownerActor, platform }: Context,
): Promise<Registered> {
  const { artifact, alias, model, note, reason } = request;
  const folder = await models.locate(artifact);
  const { registry } = await platform();
  const registered = await registry.register({ model, folder, note, reason, actor }, signal);
  if (alias !== undefined)
    await registry.setAlias(model, alias, registered.version.version, { actor, reason });
  return registered;
}
