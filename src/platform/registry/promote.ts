/** Who is in charge: promotion under a policy, the second key, roll-back. */
import { and, asc, desc, eq, isNull, lt } from "drizzle-orm";
import {
  aliasPattern,
  type Change,
  type MetricComparison,
  PlatformError,
  type PromotionPolicy,
  type RegistryPort,
  reservedAliases,
} from "../../base/index.ts";
import {
  type Database,
  registryHistory,
  registryModels,
  registryRequests,
  registryVersions,
} from "../state/index.ts";
import { type Changing, moveAlias, pointedTo, tell } from "./changes.ts";
import { compareMetrics, requireRule } from "./metric-rule.ts";
import { endPlan } from "./plans.ts";
import { modelRow, numberedRow, requestOf } from "./rows.ts";
import type { World } from "./world.ts";

export const champion = "champion";

/** Of a model whose owner said nothing. */
export const defaultPolicy: PromotionPolicy = { secondKey: false, metric: null };

type Promotion = Pick<
  RegistryPort,
  "policy" | "setPolicy" | "setAlias" | "promote" | "requests" | "approve" | "decline" | "rollback"
>;

export function promotion({ db, changes }: World): Promotion {
  return {
    policy: async (model) => (await modelRow(db, model)).policy,

    setPolicy: (model, policy, { actor, reason }) =>
      changes.change(model, async ({ db: held, model: row }) => {
        await held.update(registryModels).set({ policy }).where(eq(registryModels.name, model));
        const payload = { before: row.policy, after: policy, actor, reason };
        await tell(held, { action: "registry.policy", subject: model, actor, payload });
      }),

    async setAlias(model, alias, version, { actor, reason }) {
      requireFreeAlias(alias);
      return changes.change(model, async (changing) => {
        if (version !== null) await numberedRow(changing.db, model, version);
        return moveAlias(changing, { alias, version, action: "alias", actor, approvedBy: null, reason });
      });
    },

    promote: (model, version, change, measured) =>
      changes.change(model, async (changing) => {
        const { policy } = changing.model;
        const present = await pointedTo(changing.db, model, champion);
        const comparison = await judge(changing, version, present, measured);
        if (!policy.secondKey) {
          const entry = await crown(changing, version, { ...change, approvedBy: null });
          return { status: "promoted", entry, comparison };
        }
        const [row] = await changing.db
          .insert(registryRequests)
          .values({
            model,
            version,
            champion: present,
            comparison,
            requestedBy: change.actor,
            requestedAt: changing.at,
            reason: change.reason,
            status: "open",
          })
          .returning();
        const { actor, reason } = change;
        await tell(changing.db, {
          action: "registry.request",
          subject: `${model}@${champion}`,
          actor,
          payload: { request: row.id, version, actor, reason },
        });
        return { status: "waiting", request: requestOf(row) };
      }),

    async requests(model) {
      await modelRow(db, model);
      return (await openRequests(db, model)).map(requestOf);
    },

    async approve(id, actor) {
      const { model } = await openRequest(db, id);
      return changes.change(model, async (changing) => {
        const request = await openRequest(changing.db, id); // another may have been quicker
        if (request.requestedBy === actor) {
          throw new PlatformError(
            "forbidden",
            "SECOND_KEY_NEEDED",
            `request ${id}: expected approval by somebody else than ${request.requestedBy}, who asked for it, received ${actor}'s`,
          );
        }
        const present = await pointedTo(changing.db, model, champion);
        if (present !== request.champion) {
          throw staleRequest(request, shown(present));
        }
        // The policy of now holds, not that of then.
        const measured = request.comparison;
        const isSameMetric = measured?.path === changing.model.policy.metric?.path;
        await judge(changing, request.version, present, isSameMetric ? (measured ?? undefined) : undefined);
        await decide(changing, id, "approved", actor);
        return crown(changing, request.version, {
          actor: request.requestedBy,
          reason: request.reason,
          approvedBy: actor,
        });
      });
    },

    async decline(id, { actor, reason }) {
      const { model } = await openRequest(db, id);
      await changes.change(model, async (changing) => {
        await openRequest(changing.db, id);
        await decide(changing, id, "declined", actor);
        const payload = { request: id, actor, reason };
        await tell(changing.db, {
          action: "registry.decline",
          subject: `${model}@${champion}`,
          actor,
          payload,
        });
      });
    },

    rollback: (model, alias, change) =>
      changes.change(model, async (changing) => {
        const version = await earlierVersion(changing, alias);
        if (alias === champion) return crown(changing, version, { ...change, approvedBy: null }, "rollback");
        return moveAlias(changing, { alias, version, action: "rollback", approvedBy: null, ...change });
      }),
  };
}

export function openRequests(db: Database, model: string) {
  return db
    .select()
    .from(registryRequests)
    .where(and(eq(registryRequests.model, model), eq(registryRequests.status, "open")))
    .orderBy(asc(registryRequests.id));
}

/** Makes a version champion; a plan that shares traffic with the former one ends. */
async function crown(
  changing: Changing,
  version: number,
  change: Change & { readonly approvedBy: string | null },
  action: "promote" | "rollback" = "promote",
) {
  const { actor } = change;
  const { model, at } = changing;
  // What was asked for under another champion was judged against that one, and does not come to life again with it.
  await changing.db
    .update(registryRequests)
    .set({ status: "stale", decidedBy: actor, decidedAt: at })
    .where(and(eq(registryRequests.model, model.name), eq(registryRequests.status, "open")));
  await endPlan(changing, "stopped", { actor, reason: `version ${version} became champion` });
  return moveAlias(changing, { alias: champion, version, action, ...change });
}

/** Holds a candidate to the policy. @returns both numbers, or null where nothing is compared */
async function judge(
  { db, model: { name, policy } }: Changing,
  version: number,
  present: number | null,
  measured: Omit<MetricComparison, "path" | "better" | "tolerance"> | undefined,
): Promise<MetricComparison | null> {
  const candidate = await numberedRow(db, name, version);
  if (present === version)
    throw new PlatformError(
      "conflict",
      "PROMOTION_REFUSED",
      `${name}@${version}: expected another version than the champion, received the champion`,
    );
  if (policy.metric === null || present === null) return null;
  const { champion: was, candidate: is, test } = measured ?? {};
  const comparison =
    was !== undefined && is !== undefined && test !== undefined
      ? { ...policy.metric, champion: was, candidate: is, test }
      : compareMetrics(policy.metric, name, await numberedRow(db, name, present), candidate);
  requireRule(name, version, comparison);
  return comparison;
}

async function openRequest(db: Database, id: number) {
  const [row] = await db.select().from(registryRequests).where(eq(registryRequests.id, id));
  if (row?.status === "open") return row;
  if (row?.status === "stale") throw staleRequest(row, "another since");
  const found = row ? `one that was ${row.status} by ${row.decidedBy}` : "none";
  throw new PlatformError(
    "missing",
    "PROMOTION_UNKNOWN",
    `request ${id}: expected an open request for a promotion, found ${found}`,
    { field: "request" },
  );
}

function staleRequest(
  { id, champion: then }: typeof registryRequests.$inferSelect,
  found: string,
): PlatformError {
  return new PlatformError(
    "conflict",
    "PROMOTION_STALE",
    `request ${id}: expected the champion of then (${shown(then)}), found ${found}; ask again`,
  );
}

async function decide({ db, at }: Changing, id: number, status: "approved" | "declined", actor: string) {
  await db
    .update(registryRequests)
    .set({ status, decidedBy: actor, decidedAt: at })
    .where(eq(registryRequests.id, id));
}

/**
 * The version that was in charge before the present one, and still has its files. The history is walked back from the entry
 * that put the present one in charge, so that rolling back twice goes back two steps.
 */
async function earlierVersion(changing: Changing, alias: string): Promise<number> {
  const found = await wayBack(changing, alias);
  if (found !== undefined) return found;
  throw new PlatformError(
    "conflict",
    "ROLLBACK_IMPOSSIBLE",
    `${changing.model.name}@${alias}: expected an earlier version that was in charge and is still there, found none`,
  );
}

/** The same, or undefined where there is none. @param without leaves a version out, as if it were removed */
export async function wayBack(
  { db, model: { name } }: Changing,
  alias: string,
  without?: number,
): Promise<number | undefined> {
  const present = await pointedTo(db, name, alias);
  let before = Number.MAX_SAFE_INTEGER;
  let wanted = present;
  // The entry that put `wanted` in charge for the first time: behind it lies what was there before.
  for (let steps = 0; steps < 1000; steps++) {
    const [entry] = await db
      .select()
      .from(registryHistory)
      .where(
        and(
          eq(registryHistory.model, name),
          eq(registryHistory.alias, alias),
          lt(registryHistory.sequence, before),
        ),
      )
      .orderBy(desc(registryHistory.sequence))
      .limit(1);
    if (entry === undefined) break;
    before = entry.sequence;
    // What a roll-back left is not gone back to: its own origin is looked for further back.
    if (entry.version !== wanted || entry.action === "rollback") continue;
    wanted = entry.previous;
    if (wanted === null) break;
    if (wanted !== without && (await hasFiles(db, name, wanted))) return wanted;
  }
  return undefined;
}

async function hasFiles(db: Database, model: string, version: number): Promise<boolean> {
  const { model: of, version: number, removedAt } = registryVersions;
  const found = await db
    .select({ version: number })
    .from(registryVersions)
    .where(and(eq(of, model), eq(number, version), isNull(removedAt)));
  return found.length > 0;
}

/** @throws PlatformError `ALIAS_RESERVED`, `INPUT_INVALID` */
function requireFreeAlias(alias: string): void {
  if (reservedAliases.includes(alias)) {
    const how = alias === champion ? "promoted or rolled back to" : "set by a serving plan";
    throw new PlatformError(
      "conflict",
      "ALIAS_RESERVED",
      `alias: expected a free name, received ${alias}, which is ${how}`,
      { field: "alias" },
    );
  }
  if (new RegExp(`^${aliasPattern}$`).test(alias)) return;
  throw new PlatformError(
    "input",
    "INPUT_INVALID",
    `alias: expected small letters, digits and dashes, received ${JSON.stringify(alias)}`,
    { field: "alias" },
  );
}

function shown(version: number | null): string {
  return version === null ? "none" : `version ${version}`;
}
