/** A training whose result goes into the registry. */
import type { Context } from "../../base/index.ts";
import { registerArtifact, targetOf } from "../registering/index.ts";
import type { TrainRequest, TrainResult } from "./schema.ts";
import { train } from "./train.ts";

/** Trains, and where a model of the registry is named, takes the result in as its next version. */
export async function trainAndRegister(
  { register, ...input }: TrainRequest,
  context: Context,
): Promise<TrainResult> {
  if (register === undefined) return train(input, context);
  await context.platform(); // hours of work should not end with a database that cannot be reached
  const output = await train(input, context);
  const target = targetOf(register);
  const request = { ...target, artifact: output.artifact, note: "", reason: "trained" };
  const { version, isNew } = await registerArtifact(request, context);
  const { model, version: number, digest } = version;
  return {
    ...output,
    registered: { model, version: number, alias: target.alias ?? null, digest, isNew },
  };
}
