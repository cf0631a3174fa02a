import { capability, dayMs, PlatformError, startOfDay } from "../../base/index.ts";
import { registerArtifact } from "../registering/index.ts";
import { judgeBoth } from "./compare.ts";
import { requireMetric } from "./policy.ts";
import { retrain } from "./retrain.ts";
import * as schema from "./schema.ts";
import {
  entryLine,
  historyTable,
  listTable,
  policyText,
  promotionText,
  requestsTable,
  versionText,
} from "./tables.ts";
import { actorOf, driftView, historyView, referenceOf, requestView, time, versionView } from "./views.ts";

export const registryRegister = capability({
  name: "registry.register",
  summary: "Take a trained model into the registry as the next version",
  input: schema.RegisterInput,
  output: schema.RegisterOutput,
  artifacts: ["artifact"],
  positional: "artifact",
  print: ({ version, isNew }) =>
    `${version.model}@${version.version} ${isNew ? "is new" : "was there already"}, digest ${version.digest}`,
  async run(request, context) {
    const { version, isNew } = await registerArtifact(request, context);
    return { version: versionView(version), isNew };
  },
});

export const registryList = capability({
  name: "registry.list",
  summary: "List the models of the registry, or the versions of one",
  input: schema.ListInput,
  output: schema.ListOutput,
  effect: "reads",
  positional: "model",
  print: listTable,
  async run({ model, after, before, limit }, context) {
    const { registry } = await context.platform();
    if (model !== undefined)
      return { models: [], versions: (await registry.versions(model, { before, limit })).map(versionView) };
    const models = await registry.models({ after, limit });
    return { models: models.map((one) => ({ ...one, changedAt: time(one.changedAt) })), versions: [] };
  },
});

export const registryShow = capability({
  name: "registry.show",
  summary: "Show where a version came from, and whether its data has drifted",
  input: schema.ShowInput,
  output: schema.ShowOutput,
  effect: "reads",
  positional: "reference",
  print: versionText,
  async run({ reference }, context) {
    const { registry } = await context.platform();
    const version = await registry.resolve(referenceOf(reference));
    const check = await registry.driftCheck(version.model, version.version);
    return { ...versionView(version), drift: check === undefined ? null : driftView(check) };
  },
});

export const registryHistory = capability({
  name: "registry.history",
  summary: "Which version was in charge when, who changed it and why",
  input: schema.HistoryInput,
  output: schema.HistoryOutput,
  effect: "reads",
  positional: "model",
  print: historyTable,
  async run({ model, alias, at, before, limit }, context) {
    const { registry } = await context.platform();
    if (at === undefined) {
      const entries = await registry.history(model, { alias, before, limit });
      return { model, at: null, entries: entries.map(historyView) };
    }
    const moment = at.includes("T") ? Date.parse(at) : startOfDay(at) + dayMs - 1;
    const entry = await registry.inCharge(model, alias ?? "champion", moment);
    return { model, at: time(moment), entries: entry === undefined ? [] : [historyView(entry)] };
  },
});

export const registryPromote = capability({
  name: "registry.promote",
  summary: "Make a version champion, or ask for it where the policy wants a second key",
  input: schema.PromoteInput,
  output: schema.PromoteOutput,
  paths: ["data"],
  positional: "reference",
  print: promotionText,
  async run({ reference, data, reason }, context) {
    const { registry } = await context.platform();
    const candidate = await registry.resolve(referenceOf(reference));
    const measured = data === undefined ? undefined : await judgeBoth(candidate, data, registry, context);
    const change = { actor: actorOf(context), reason };
    const outcome = await registry.promote(candidate.model, candidate.version, change, measured);
    return outcome.status === "promoted"
      ? { ...outcome, entry: historyView(outcome.entry), request: null }
      : {
          status: outcome.status,
          entry: null,
          request: requestView(outcome.request),
          comparison: outcome.request.comparison,
        };
  },
});

export const registryRequests = capability({
  name: "registry.requests",
  summary: "List the promotions of a model that wait for their second key",
  input: schema.RequestsInput,
  output: schema.RequestsOutput,
  effect: "reads",
  positional: "model",
  print: requestsTable,
  run: async ({ model }, context) => ({
    requests: (await (await context.platform()).registry.requests(model)).map(requestView),
  }),
});

export const registryApprove = capability({
  name: "registry.approve",
  summary: "Give the second key to a promotion that somebody else asked for",
  input: schema.ApproveInput,
  output: schema.EntryOutput,
  print: entryLine,
  run: async ({ request }, context) => ({
    entry: historyView(await (await context.platform()).registry.approve(request, actorOf(context))),
  }),
});

export const registryDecline = capability({
  name: "registry.decline",
  summary: "Withdraw a promotion that waits for its second key",
  input: schema.DeclineInput,
  output: schema.DeclineOutput,
  print: ({ request }) => `request ${request} was declined`,
  async run({ request, reason }, context) {
    await (await context.platform()).registry.decline(request, { actor: actorOf(context), reason });
    return { request };
  },
});

export const registryRollback = capability({
  name: "registry.rollback",
  summary: "Put the version in charge that was so before",
  input: schema.RollbackInput,
  output: schema.EntryOutput,
  positional: "model",
  print: entryLine,
  async run({ model, alias, reason }, context) {
    const { registry } = await context.platform();
    return { entry: historyView(await registry.rollback(model, alias, { actor: actorOf(context), reason })) };
  },
});

export const registryAlias = capability({
  name: "registry.alias",
  summary: "Point an alias, such as challenger, to a version",
  input: schema.AliasInput,
  output: schema.EntryOutput,
  positional: "reference",
  print: entryLine,
  async run({ reference, alias, clear, reason }, context) {
    const { registry } = await context.platform();
    const found = await registry.resolve(referenceOf(reference));
    const change = { actor: actorOf(context), reason };
    const target = clear ? null : found.version;
    return { entry: historyView(await registry.setAlias(found.model, alias, target, change)) };
  },
});

export const registryRemove = capability({
  name: "registry.remove",
  summary: "Give up the files of a version that nothing points to",
  input: schema.RemoveInput,
  output: schema.Version,
  effect: "destroys",
  positional: "reference",
  print: ({ model, version }) => `the files of ${model}@${version} were given up; its history stays`,
  async run({ reference, reason }, context) {
    const { registry } = await context.platform();
    const found = await registry.resolve(referenceOf(reference));
    const change = { actor: actorOf(context), reason };
    return versionView(await registry.remove(found.model, found.version, change));
  },
});

export const registryPolicy = capability({
  name: "registry.policy",
  summary: "Show or set what a version must fulfil to become champion",
  input: schema.PolicyInput,
  output: schema.PolicyOutput,
  positional: "model",
  print: policyText,
  async run({ model, secondKey, metric, better, tolerance, reason }, context) {
    const { registry } = await context.platform();
    const present = await registry.policy(model);
    const path = metric ?? present.metric?.path ?? "none";
    if ([secondKey, metric, better, tolerance].every((value) => value === undefined))
      return { model, policy: present };
    if (path === "none" && (better ?? tolerance) !== undefined)
      throw new PlatformError("input", "INPUT_INVALID", "metric: expected one to compare by, received none", {
        field: "metric",
      });
    if (metric !== undefined && path !== "none") await requireMetric(registry, model, path);
    const policy = {
      secondKey: secondKey ?? present.secondKey,
      metric:
        path === "none"
          ? null
          : {
              path,
              better: better ?? present.metric?.better ?? "lower",
              tolerance: tolerance ?? present.metric?.tolerance ?? 0,
            },
    };
    await registry.setPolicy(model, policy, { actor: actorOf(context), reason });
    return { model, policy };
  },
});

export const registryFetch = capability({
  name: "registry.fetch",
  summary: "Write the files of a version, checked, into a folder",
  input: schema.FetchInput,
  output: schema.FetchOutput,
  artifacts: ["out"],
  positional: "reference",
  print: ({ artifact, version }) => `${version.model}@${version.version} is in ${artifact}`,
  async run({ reference, out }, context) {
    const { registry } = await context.platform();
    const found = await registry.resolve(referenceOf(reference));
    const artifact = await context.models.create(out, (folder) =>
      registry.fetch(found, folder, context.signal),
    );
    return { artifact, version: versionView(found) };
  },
});

export const registryCollectGarbage = capability({
  name: "registry.collectGarbage",
  summary: "Remove stored files that no version refers to",
  input: schema.GarbageInput,
  output: schema.GarbageOutput,
  effect: "destroys",
  mode: "task",
  print: ({ blobs, bytes }) => `${blobs} files of ${bytes} bytes were removed`,
  run: async (_, context) => (await context.platform()).registry.collectGarbage(context.signal),
});

export const registryRetrain = capability({
  name: "registry.retrain",
  summary: "Train the champion's configuration again on newer prices, and call the result challenger",
  input: schema.RetrainInput,
  output: schema.RetrainOutput,
  mode: "task",
  paths: ["data"],
  positional: "model",
  print: ({ status, champion, challenger, summary }) =>
    status === "challenger"
      ? `version ${challenger} is challenger of version ${champion}, which stays champion\n\n${summary}`
      : `version ${champion} stays, and nothing was trained\n\n${summary}`,
  run: retrain,
});
