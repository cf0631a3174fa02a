/** A new training of the champion on newer data. What comes of it is a challenger: nobody is ever replaced silently. */
import type { z } from "zod";
import type { Context } from "../../base/index.ts";
import { DriftCheckInput, driftCheck } from "../drift/index.ts";
import { openForecastArtifact, sourceOf, TrainInput, train } from "../forecast/index.ts";
import { registerArtifact } from "../registering/index.ts";
import { saidOnce } from "./once.ts";
import type { RetrainInput, RetrainOutput } from "./schema.ts";

/**
 * Trains with the champion's own configuration, registers the result with the champion as its parent, and calls it
 * challenger. Whether it becomes champion is decided by `registry.promote` and the model's policy.
 */
export async function retrain(
  { model, data, onlyWhenDrifted, falseAlarmRate }: z.output<typeof RetrainInput>,
  given: Context,
): Promise<z.output<typeof RetrainOutput>> {
  const context = saidOnce(given);
  const { registry } = await context.platform();
  const champion = await registry.resolve({ model, at: { alias: "champion" } });
  const artifact = `${model}@${champion.version}`;
  const { configuration } = await openForecastArtifact(artifact, context.models);
  const { to, ...input } = configuration.input;
  const { symbols } = input;
  const { fingerprint } = await context.market.read(sourceOf({ ...input, data }), { signal: context.signal });
  if (to === undefined && fingerprint === champion.lineage.data.fingerprint) {
    const summary = `${data} is what version ${champion.version} was trained on: there is nothing new to learn from`;
    return { status: "unchanged", challenger: null, champion: champion.version, drifted: null, summary };
  }
  const check = onlyWhenDrifted
    ? await driftCheck(DriftCheckInput.parse({ artifact, data, symbols, falseAlarmRate }), context)
    : null;
  const facts = { champion: champion.version, drifted: check?.drifted ?? null };
  if (check?.drifted === false)
    return { status: "unchanged", challenger: null, ...facts, summary: check.summary };
  // A name that nobody has: the registry keeps its own copy, and this one goes.
  const out = `${model}-retrained-${context.clock.now().toString(36)}`;
  const trained = await train(TrainInput.parse({ ...input, data, out }), context, {
    parent: champion.digest,
  });
  const reason = check === null ? "retrained" : `retrained: ${check.summary}`;
  const note = `retrained from version ${champion.version}`;
  const { version } = await registerArtifact(
    { artifact: trained.artifact, model, alias: "challenger", note, reason },
    context,
  );
  await context.models.discard(out);
  return { status: "challenger", challenger: version.version, ...facts, summary: trained.summary };
}

/** What a schedule needs of the jobs of the platform. */
export interface RetrainScheduler {
  schedule(request: {
    readonly name: string;
    readonly capability: string;
    readonly input: unknown;
    readonly cron: string;
    readonly timeZone?: string | undefined;
    readonly actor?: string | undefined;
  }): Promise<unknown>;
}

/**
 * Retrains a model again and again, such as every night; the schedule's name is `retrain-<model>`, and a later one takes its
 * place.
 *
 * @param cron five fields: minute, hour, day of the month, month, day of the week
 */
export async function scheduleRetrain(
  jobs: RetrainScheduler,
  input: z.input<typeof RetrainInput>,
  { cron, timeZone, actor }: { readonly cron: string; readonly timeZone?: string; readonly actor?: string },
): Promise<void> {
  await jobs.schedule({
    name: `retrain-${input.model}`,
    capability: "registry.retrain",
    input,
    cron,
    timeZone,
    actor,
  });
}
