/** Capabilities around a model in service: shadow and canary, and whose signatures are believed. */
import { readFile } from "node:fs/promises";
import { capability, PlatformError, type RegistryPort } from "../../base/index.ts";
import * as schema from "./schema.ts";
import { keysText, planTable } from "./tables.ts";
import { actorOf, planView, referenceOf } from "./views.ts";

export const registryPlan = capability({
  name: "registry.plan",
  summary: "Let a candidate answer beside the champion, with an automatic roll-back",
  input: schema.PlanInput,
  output: schema.PlanOutput,
  positional: "reference",
  print: planTable,
  async run({ reference, mode, sharePercent, reason, ...limits }, context) {
    const { registry } = await context.platform();
    const { model, version: candidate } = await registry.resolve(referenceOf(reference));
    const rules = { ...limits, disagreement: limits.disagreement ?? null, scorePsi: limits.scorePsi ?? null };
    await registry.startPlan({
      model,
      candidate,
      mode,
      sharePercent,
      rules,
      actor: actorOf(context),
      reason,
    });
    return newestPlan(registry, model);
  },
});

export const registryPlanStatus = capability({
  name: "registry.planStatus",
  summary: "What was seen of a candidate in service, and what the roll-back rule says",
  input: schema.PlanStatusInput,
  output: schema.PlanOutput,
  effect: "reads",
  positional: "model",
  print: planTable,
  run: async ({ model }, context) => newestPlan((await context.platform()).registry, model),
});

export const registryStopPlan = capability({
  name: "registry.stopPlan",
  summary: "Take a candidate out of service",
  input: schema.StopPlanInput,
  output: schema.PlanOutput,
  positional: "model",
  print: planTable,
  async run({ model, reason }, context) {
    const { registry } = await context.platform();
    await registry.stopPlan(model, { actor: actorOf(context), reason });
    return newestPlan(registry, model);
  },
});

async function newestPlan(registry: RegistryPort, model: string): Promise<schema.PlanOutput> {
  const found = await registry.observations(model);
  if (found) return planView(found.plan, found.observations, found.decision);
  const message = `${model}: expected a serving plan, found none`;
  throw new PlatformError("input", "PLAN_INVALID", message, { field: "model" });
}

export const registrySign = capability({
  name: "registry.sign",
  summary: "Sign a model that carries no signature and whose origin you know",
  input: schema.SignInput,
  output: schema.SignOutput,
  artifacts: ["artifact"],
  positional: "artifact",
  print: ({ artifact }) => `${artifact} is signed`,
  async run({ artifact }, context) {
    const folder = await context.models.sign(artifact);
    const actor = actorOf(context);
    await context.ledger.append({ action: "registry.sign", subject: folder, actor, payload: { actor } });
    return { artifact: folder };
  },
});

export const registryKeys = capability({
  name: "registry.keys",
  summary: "Show the public keys whose signatures on models are believed",
  input: schema.KeysInput,
  output: schema.KeysOutput,
  effect: "reads",
  print: keysText,
  run: async (_, context) => ({ keys: await (await context.platform()).signing.keys() }),
});

export const registryTrust = capability({
  name: "registry.trust",
  summary: "Believe the signatures of another installation",
  input: schema.TrustInput,
  output: schema.KeysOutput,
  paths: ["key"],
  print: keysText,
  async run({ name, key }, context) {
    const pem = await readFile(key, "utf8").catch((cause: unknown) => {
      const message = `${key}: expected a file with a public key, found none that can be read`;
      throw new PlatformError("missing", "DATA_FILE_MISSING", message, { file: key, cause });
    });
    const trusted = await (await context.platform()).signing.trust(name, pem);
    const actor = actorOf(context);
    const payload = { name, key: trusted.id, actor };
    await context.ledger.append({ action: "registry.trust", subject: trusted.id, actor, payload });
    return { keys: [trusted] };
  },
});
