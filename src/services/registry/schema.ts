/** What goes into and comes out of the capabilities of the registry. */
import { z } from "zod";

const Count = z.number().int();
const Time = z.string().describe("UTC, ISO 8601");

export const Model = z.string().min(1).describe("name of the model in the registry");
export const VersionReference = z
  .string()
  .min(1)
  .describe("a version: name@champion, name@3 or name@sha256:<digits>");
const Reason = z.string().max(2000).default("").describe("why; kept in the history and the ledger");
const Limit = Count.min(1).max(1000).default(20).describe("how many at most");

export const Version = z.object({
  model: z.string(),
  version: Count,
  digest: z.string().describe("SHA-256 of the manifest"),
  kind: z.string(),
  lineage: z.object({
    data: z.object({ source: z.string(), fingerprint: z.string(), from: z.string(), to: z.string() }),
    code: z.record(z.string(), z.string()).describe("versions of what made the model"),
    configuration: z.record(z.string(), z.unknown()),
    parent: z
      .object({ digest: z.string(), version: Count.nullable() })
      .nullable()
      .describe("the version that this one is to succeed"),
    run: z.string().nullable().describe("training run"),
  }),
  metrics: z.record(z.string(), z.unknown()),
  bytes: Count,
  signedBy: z.string().nullable().describe("id of the key that signed it"),
  note: z.string(),
  registeredAt: Time,
  registeredBy: z.string(),
  removedAt: Time.nullable(),
  aliases: z.array(z.string()),
});
export type Version = z.output<typeof Version>;

export const ShowOutput = Version.extend({
  drift: z
    .object({
      at: Time,
      by: z.string(),
      from: z.string().describe("first date that was compared"),
      to: z.string(),
      drifted: z
        .array(z.string())
        .describe("features and forecasts that are further away than chance explains"),
    })
    .nullable()
    .describe("the latest drift check; null when there was none"),
});
export type ShowOutput = z.output<typeof ShowOutput>;

export const HistoryRow = z.object({
  sequence: Count,
  model: z.string(),
  alias: z.string(),
  version: Count.nullable().describe("in charge from then on; null when nobody is"),
  previous: Count.nullable(),
  action: z.enum(["alias", "promote", "rollback", "plan", "stop", "automatic-rollback"]),
  at: Time,
  actor: z.string(),
  approvedBy: z.string().nullable(),
  reason: z.string(),
});
export type HistoryRow = z.output<typeof HistoryRow>;

const Comparison = z
  .object({
    path: z.string(),
    better: z.enum(["lower", "higher"]),
    tolerance: z.number(),
    champion: z.number(),
    candidate: z.number(),
    test: z.string(),
  })
  .nullable();

const Request = z.object({
  id: Count,
  model: z.string(),
  version: Count,
  champion: Count.nullable(),
  comparison: Comparison,
  requestedBy: z.string(),
  requestedAt: Time,
  reason: z.string(),
});

export const RegisterInput = z.object({
  artifact: z.string().min(1).describe("trained model: a path, or a name below the data folder's models"),
  model: Model,
  note: z.string().max(2000).default("").describe("what people should know of it"),
  reason: Reason,
});
export const RegisterOutput = z.object({ version: Version, isNew: z.boolean() });

export const ListInput = z.object({
  model: Model.optional().describe("its versions, newest first; without it all models"),
  after: z.string().optional().describe("only models behind this name"),
  before: Count.min(1).optional().describe("only versions below this number"),
  limit: Limit,
});
export const ListOutput = z.object({
  models: z.array(
    z.object({
      model: z.string(),
      versions: Count.describe("numbers given so far"),
      champion: Count.nullable(),
      challenger: Count.nullable(),
      changedAt: Time,
    }),
  ),
  versions: z.array(Version),
});
export type ListOutput = z.output<typeof ListOutput>;

export const ShowInput = z.object({ reference: VersionReference });

export const HistoryInput = z.object({
  model: Model,
  alias: z.string().optional().describe("only this one; champion with --at"),
  at: z
    .union([z.iso.date(), z.iso.datetime()])
    .optional()
    .describe("who was in charge then; a date stands for its end in UTC"),
  before: Count.optional().describe("only entries below this sequence number"),
  limit: Limit,
});
export const HistoryOutput = z.object({
  model: z.string(),
  at: Time.nullable(),
  entries: z.array(HistoryRow),
});
export type HistoryOutput = z.output<typeof HistoryOutput>;

export const PromoteInput = z.object({
  reference: VersionReference,
  data: z
    .string()
    .optional()
    .describe(
      "prices that are new to both, on which candidate and champion are judged before they are compared",
    ),
  reason: Reason,
});
export const PromoteOutput = z.object({
  status: z.enum(["promoted", "waiting"]),
  entry: HistoryRow.nullable(),
  request: Request.nullable().describe("what somebody else has to approve"),
  comparison: Comparison,
});
export type PromoteOutput = z.output<typeof PromoteOutput>;

const RequestId = Count.min(1).describe("number of the request");
export const ApproveInput = z.object({ request: RequestId });
export const DeclineInput = z.object({ request: RequestId, reason: Reason });
export const DeclineOutput = z.object({ request: Count });
export const RequestsInput = z.object({ model: Model });
export const RequestsOutput = z.object({ requests: z.array(Request) });
export type RequestsOutput = z.output<typeof RequestsOutput>;
export const EntryOutput = z.object({ entry: HistoryRow });

export const RollbackInput = z.object({
  model: Model,
  alias: z.string().default("champion").describe("which alias goes back to what was there before"),
  reason: Reason,
});

export const AliasInput = z.object({
  reference: VersionReference,
  alias: z.string().min(1).describe("challenger, or any name of your own"),
  clear: z.boolean().default(false).describe("take the alias away from the version"),
  reason: Reason,
});

export const RemoveInput = z.object({ reference: VersionReference, reason: Reason });

export const PolicyInput = z.object({
  model: Model,
  secondKey: z.boolean().optional().describe("a promotion needs somebody else's approval"),
  metric: z
    .string()
    .optional()
    .describe(
      "number in the manifest's metrics that is compared, such as test.model.mse; none compares nothing",
    ),
  better: z.enum(["lower", "higher"]).optional().describe("which is better; as it is now, else lower"),
  tolerance: z
    .number()
    .min(0)
    .max(10)
    .optional()
    .describe("how much worse than the champion is let through, 0.02 is 2 %; as it is now, else 0"),
  reason: Reason,
});
export const PolicyOutput = z.object({
  model: z.string(),
  policy: z.object({
    secondKey: z.boolean(),
    metric: z
      .object({ path: z.string(), better: z.enum(["lower", "higher"]), tolerance: z.number() })
      .nullable(),
  }),
});
export type PolicyOutput = z.output<typeof PolicyOutput>;

export const FetchInput = z.object({
  reference: VersionReference,
  out: z
    .string()
    .min(1)
    .describe("where the artifact goes: a path, or a name below the data folder's models"),
});
export const FetchOutput = z.object({ artifact: z.string(), version: Version });

export const GarbageInput = z.object({});
export const GarbageOutput = z.object({ blobs: Count.describe("files removed"), bytes: Count });

const Share = z.number().gt(0).max(100);
const Limits = {
  minimumRequests: Count.min(1).default(1000).describe("nothing is decided before each has answered so many"),
  errorRate: z.number().min(0).max(1).default(0.01).describe("failed requests above the champion's share"),
  latencyRatio: z.number().positive().default(2).describe("99th percentile of latency, in champions'"),
  disagreement: z.number().min(0).max(1).optional().describe("share of answers that differ; shadow only"),
  scorePsi: z.number().min(0).optional().describe("population stability index of the scores"),
};

export const PlanInput = z.object({
  reference: VersionReference.describe("the candidate"),
  mode: z
    .enum(["shadow", "canary"])
    .default("canary")
    .describe("canary: it answers a share of the callers; shadow: it answers unheard"),
  sharePercent: Share.default(5).describe("share of the callers"),
  ...Limits,
  reason: Reason,
});
const Finding = z.object({
  rule: z.enum(["errorRate", "latencyRatio", "disagreement", "scorePsi"]),
  value: z.number(),
  limit: z.number(),
  broken: z.boolean(),
});
const Seen = z.object({ requests: Count, failures: Count, compared: Count, disagreed: Count });
export const PlanOutput = z.object({
  model: z.string(),
  champion: Count,
  candidate: Count,
  mode: z.enum(["shadow", "canary"]),
  sharePercent: z.number(),
  status: z.enum(["active", "stopped", "rolled-back"]),
  startedAt: Time,
  startedBy: z.string(),
  seen: z.object({ champion: Seen, candidate: Seen }),
  verdict: z.enum(["wait", "continue", "rollback"]),
  findings: z.array(Finding),
});
export type PlanOutput = z.output<typeof PlanOutput>;
export const PlanStatusInput = z.object({ model: Model });
export const StopPlanInput = z.object({ model: Model, reason: Reason });

export const SignInput = z.object({
  artifact: z.string().min(1).describe("a model without a signature, whose origin you know"),
});
export const SignOutput = z.object({ artifact: z.string() });
export const KeysInput = z.object({});
const Key = z.object({ name: z.string(), id: z.string(), pem: z.string().describe("public key") });
export const KeysOutput = z.object({ keys: z.array(Key) });
export type KeysOutput = z.output<typeof KeysOutput>;
export const TrustInput = z.object({
  name: z.string().min(1).describe("what to call its owner"),
  key: z.string().min(1).describe("file with the public key, as `registry keys` of its owner shows it"),
});

export const RetrainInput = z.object({
  model: Model,
  data: z.string().min(1).describe("prices, those that are new among them"),
  onlyWhenDrifted: z
    .boolean()
    .default(false)
    .describe("do nothing while the new prices are like those that the champion was made from"),
  falseAlarmRate: z.number().gt(0).lt(0.5).default(0.01).describe("of the drift check"),
});
export const RetrainOutput = z.object({
  status: z.enum(["challenger", "unchanged"]),
  champion: Count,
  challenger: Count.nullable(),
  drifted: z.boolean().nullable().describe("null when it was not asked"),
  summary: z.string(),
});
