/** The latest drift check of each version, for whoever watches the models: kept in the state, whichever process made it. */
import { and, desc, eq, isNotNull, lte, sql } from "drizzle-orm";
import type { DriftCheck, RegistryPort } from "../../base/index.ts";
import { type Database, registryAliases, registryDriftChecks } from "../state/index.ts";
import { numberedRow } from "./rows.ts";

export function driftChecks(db: Database): Pick<RegistryPort, "recordDrift" | "driftCheck" | "driftChecks"> {
  return {
    async recordDrift({ at, features, ...check }) {
      await numberedRow(db, check.model, check.version);
      const row = { ...check, at: new Date(at), features: [...features] };
      const { model, version, at: time } = registryDriftChecks;
      await db
        .insert(registryDriftChecks)
        .values(row)
        .onConflictDoUpdate({ target: [model, version], set: row, setWhere: lte(time, row.at) });
    },

    async driftCheck(model, version) {
      const { model: of, version: number } = registryDriftChecks;
      const [row] = await db
        .select()
        .from(registryDriftChecks)
        .where(and(eq(of, model), eq(number, version)));
      return row && checkOf(row);
    },

    driftChecks: async ({ limit }) => (await driftPage(db, limit)).map(checkOf),
  };
}

function checkOf({ at, ...check }: typeof registryDriftChecks.$inferSelect): DriftCheck {
  return { ...check, at: at.getTime() };
}

/** How many checks are looked at for each one that is asked for; those of versions that nobody uses any more are passed over. */
const lookedAt = 4;

/** Of the newest checks only, so that those of versions that are long out of use cost nothing. */
export function driftPage(db: Database, limit: number) {
  const newest = db
    .select()
    .from(registryDriftChecks)
    .orderBy(desc(registryDriftChecks.at))
    .limit(limit * lookedAt)
    .as("newest");
  // By a subquery for each, not a join: it goes by key, whatever the planner believes of the tables.
  const pointing = db
    .select({ alias: registryAliases.alias })
    .from(registryAliases)
    .where(and(eq(registryAliases.model, newest.model), eq(registryAliases.version, newest.version)))
    .limit(1);
  return db
    .select()
    .from(newest)
    .where(isNotNull(sql`(${pointing})`))
    .orderBy(desc(newest.at))
    .limit(limit);
}
