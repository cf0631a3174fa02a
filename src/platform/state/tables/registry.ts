import { sql } from "drizzle-orm";
import {
  bigint,
  boolean,
  doublePrecision,
  index,
  integer,
  jsonb,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
} from "drizzle-orm/pg-core";
import type {
  DriftCheck,
  HistoryEntry,
  LedgerEntry,
  Lineage,
  MetricComparison,
  PromotionPolicy,
  RollbackRules,
  ServingPlan,
} from "../../../base/index.ts";
import { fathom } from "./fathom.ts";

const time = (name: string) => timestamp(name, { withTimezone: true });
const count = (name: string) => bigint(name, { mode: "number" }).notNull().default(0);
const counts = (name: string) => bigint(name, { mode: "number" }).array().notNull();

/** One row for each model. Whoever changes anything of a model holds its row, so that its changes stand in one order. */
export const registryModels = fathom.table("registry_models", {
  name: text("name").primaryKey(),
  lastVersion: integer("last_version").notNull().default(0),
  policy: jsonb("policy").$type<PromotionPolicy>().notNull(),
  changedAt: time("changed_at").notNull(),
});

export const registryVersions = fathom.table(
  "registry_versions",
  {
    model: text("model")
      .notNull()
      .references(() => registryModels.name),
    version: integer("version").notNull(),
    digest: text("digest").notNull(),
    kind: text("kind").notNull(),
    lineage: jsonb("lineage").$type<Omit<Lineage, "parent">>().notNull(),
    parentDigest: text("parent_digest"),
    metrics: jsonb("metrics").$type<Record<string, unknown>>().notNull(),
    bytes: bigint("bytes", { mode: "number" }).notNull(),
    /** The signature file's text, written beside the files again when they are fetched. */
    signature: text("signature"),
    signedBy: text("signed_by"),
    note: text("note").notNull(),
    registeredAt: time("registered_at").notNull(),
    registeredBy: text("registered_by").notNull(),
    removedAt: time("removed_at"),
    removedBy: text("removed_by"),
  },
  (table) => [
    primaryKey({ columns: [table.model, table.version] }),
    // One version for the same bytes; text_pattern_ops, so that the first digits of a digest find it too.
    uniqueIndex("registry_versions_digest")
      .on(table.model, table.digest.op("text_pattern_ops"))
      .where(sql`removed_at is null`),
  ],
);

/** The files that versions keep in the store. */
export const registryFiles = fathom.table(
  "registry_files",
  {
    model: text("model").notNull(),
    version: integer("version").notNull(),
    name: text("name").notNull(),
    sha256: text("sha256").notNull(),
    bytes: bigint("bytes", { mode: "number" }).notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.model, table.version, table.name] }),
    index("registry_files_sha256").on(table.sha256),
  ],
);

/** Files that somebody is about to refer to: not garbage, though no version has them yet. */
export const registryPins = fathom.table("registry_pins", {
  sha256: text("sha256").primaryKey(),
  until: time("until").notNull(),
});

export const registryAliases = fathom.table(
  "registry_aliases",
  {
    model: text("model").notNull(),
    alias: text("alias").notNull(),
    version: integer("version").notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.model, table.alias] }),
    index("registry_aliases_version").on(table.model, table.version),
  ],
);

export const registryHistory = fathom.table(
  "registry_history",
  {
    sequence: bigint("sequence", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    model: text("model").notNull(),
    alias: text("alias").notNull(),
    version: integer("version"),
    previous: integer("previous"),
    action: text("action").$type<HistoryEntry["action"]>().notNull(),
    at: time("at").notNull(),
    actor: text("actor").notNull(),
    approvedBy: text("approved_by"),
    reason: text("reason").notNull(),
  },
  (table) => [
    index("registry_history_model").on(table.model, table.sequence),
    index("registry_history_alias").on(table.model, table.alias, table.at, table.sequence),
  ],
);

/** Promotions that wait for, or had, their second key. */
export const registryRequests = fathom.table(
  "registry_requests",
  {
    id: bigint("id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    model: text("model").notNull(),
    version: integer("version").notNull(),
    champion: integer("champion"),
    comparison: jsonb("comparison").$type<MetricComparison>(),
    requestedBy: text("requested_by").notNull(),
    requestedAt: time("requested_at").notNull(),
    reason: text("reason").notNull(),
    status: text("status").$type<"open" | "approved" | "declined" | "stale">().notNull(),
    decidedBy: text("decided_by"),
    decidedAt: time("decided_at"),
  },
  (table) => [index("registry_requests_open").on(table.model, table.id).where(sql`status = 'open'`)],
);

export const registryPlans = fathom.table(
  "registry_plans",
  {
    id: bigint("id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
    model: text("model").notNull(),
    champion: integer("champion").notNull(),
    candidate: integer("candidate").notNull(),
    mode: text("mode").$type<ServingPlan["mode"]>().notNull(),
    sharePercent: doublePrecision("share_percent").notNull(),
    rules: jsonb("rules").$type<RollbackRules>().notNull(),
    scoreEdges: jsonb("score_edges").$type<number[]>(),
    status: text("status").$type<ServingPlan["status"]>().notNull(),
    startedAt: time("started_at").notNull(),
    startedBy: text("started_by").notNull(),
  },
  (table) => [
    index("registry_plans_model").on(table.model, table.id),
    uniqueIndex("registry_plans_active").on(table.model).where(sql`status = 'active'`),
  ],
);

/** What all servers together saw of a plan, one row for each arm: counts only. */
export const registryObservations = fathom.table(
  "registry_observations",
  {
    plan: bigint("plan", { mode: "number" }).notNull(),
    isCandidate: boolean("is_candidate").notNull(),
    requests: count("requests"),
    failures: count("failures"),
    latency: counts("latency"),
    scores: counts("scores"),
    compared: count("compared"),
    disagreed: count("disagreed"),
  },
  (table) => [primaryKey({ columns: [table.plan, table.isCandidate] })],
);

/** How far the data of now is from what a version was made from: its latest check. */
export const registryDriftChecks = fathom.table(
  "registry_drift_checks",
  {
    model: text("model").notNull(),
    version: integer("version").notNull(),
    at: time("at").notNull(),
    by: text("by").notNull(),
    from: text("from_date").notNull(),
    to: text("to_date").notNull(),
    drifted: boolean("drifted").notNull(),
    features: jsonb("features").$type<DriftCheck["features"]>().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.model, table.version] }),
    index("registry_drift_checks_at").on(table.at),
  ],
);

/** Entries on their way to the ledger: written with the change itself, taken away when the ledger has them. */
export const registryOutbox = fathom.table("registry_outbox", {
  id: bigint("id", { mode: "number" }).primaryKey().generatedAlwaysAsIdentity(),
  entry: jsonb("entry").$type<LedgerEntry>().notNull(),
  claimedAt: time("claimed_at"),
});
