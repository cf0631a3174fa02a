/** From rows of the tables to what the port promises, and the queries that many parts share. */
import { and, desc, eq, isNull, like, sql } from "drizzle-orm";
import {
  type HistoryEntry,
  type ModelReference,
  type ModelVersion,
  PlatformError,
  type PromotionRequest,
  type ServingPlan,
} from "../../base/index.ts";
import {
  type Database,
  registryAliases,
  type registryHistory,
  registryModels,
  type registryPlans,
  type registryRequests,
  registryVersions,
} from "../state/index.ts";

export type VersionRow = typeof registryVersions.$inferSelect;
export type ModelRow = typeof registryModels.$inferSelect;

/** The row of a model. @throws PlatformError `MODEL_UNKNOWN` */
export async function modelRow(db: Database, model: string): Promise<ModelRow> {
  const [row] = await db.select().from(registryModels).where(eq(registryModels.name, model));
  if (row) return row;
  throw new PlatformError(
    "missing",
    "MODEL_UNKNOWN",
    `${model}: expected a model that the registry has, found none`,
    { field: "model" },
  );
}

export function versionByNumber(db: Database, model: string, version: number) {
  return db
    .select()
    .from(registryVersions)
    .where(and(eq(registryVersions.model, model), eq(registryVersions.version, version)));
}

/** At most two: a second one says that the digits are too few. */
export function versionsByDigest(db: Database, model: string, digits: string) {
  const { digest, removedAt } = registryVersions;
  return db
    .select()
    .from(registryVersions)
    .where(and(eq(registryVersions.model, model), like(digest, `${digits}%`), isNull(removedAt)))
    .limit(2);
}

/** By a subquery, not a join, which reads every version of the model when the planner believes that there are few. */
export function versionByAlias(db: Database, model: string, alias: string) {
  const pointedTo = db
    .select({ version: registryAliases.version })
    .from(registryAliases)
    .where(and(eq(registryAliases.model, model), eq(registryAliases.alias, alias)));
  return db
    .select()
    .from(registryVersions)
    .where(and(eq(registryVersions.model, model), eq(registryVersions.version, sql`(${pointedTo})`)));
}

export function aliasesOf(db: Database, model: string, version: number) {
  return db
    .select({ alias: registryAliases.alias })
    .from(registryAliases)
    .where(and(eq(registryAliases.model, model), eq(registryAliases.version, version)))
    .orderBy(registryAliases.alias);
}

/** The row of a reference, not removed. @throws PlatformError `MODEL_UNKNOWN`, `VERSION_UNKNOWN`, `INPUT_INVALID` */
export async function referencedRow(db: Database, { model, at }: ModelReference): Promise<VersionRow> {
  const rows =
    "alias" in at
      ? await versionByAlias(db, model, at.alias)
      : "version" in at
        ? await versionByNumber(db, model, at.version)
        : await versionsByDigest(db, model, at.digest);
  if (rows.length > 1)
    throw new PlatformError(
      "input",
      "INPUT_INVALID",
      `${nameOf({ model, at })}: expected digits that name one version, received those of several`,
    );
  const [row] = rows;
  if (row && row.removedAt === null) return row;
  const { lastVersion } = await modelRow(db, model);
  const aliases = await db
    .select({ alias: registryAliases.alias })
    .from(registryAliases)
    .where(eq(registryAliases.model, model))
    .orderBy(registryAliases.alias)
    .limit(5);
  const has = [`versions 1 to ${lastVersion}`, ...aliases.map(({ alias }) => alias)].join(", ");
  const found = row ? `one that was removed on ${row.removedAt?.toISOString().slice(0, 10)}` : "none";
  throw new PlatformError(
    "missing",
    "VERSION_UNKNOWN",
    `${nameOf({ model, at })}: expected a version of the model (${has}), found ${found}`,
  );
}

/** The same with its number. @throws PlatformError as `referencedRow` */
export const numberedRow = (db: Database, model: string, version: number): Promise<VersionRow> =>
  referencedRow(db, { model, at: { version } });

export async function versionOf(db: Database, row: VersionRow): Promise<ModelVersion> {
  const aliases = await aliasesOf(db, row.model, row.version);
  const [parent] = row.parentDigest === null ? [] : await versionsByDigest(db, row.model, row.parentDigest);
  const { registeredAt, removedAt, parentDigest, signature, removedBy, lineage, ...facts } = row;
  return {
    ...facts,
    lineage: {
      ...lineage,
      parent: parentDigest === null ? null : { digest: parentDigest, version: parent?.version ?? null },
    },
    registeredAt: registeredAt.getTime(),
    removedAt: removedAt?.getTime() ?? null,
    aliases: aliases.map(({ alias }) => alias),
  };
}

export function historyOf({ at, ...row }: typeof registryHistory.$inferSelect): HistoryEntry {
  return { ...row, at: at.getTime() };
}

export function requestOf(row: typeof registryRequests.$inferSelect): PromotionRequest {
  const { status, decidedBy, decidedAt, requestedAt, ...facts } = row;
  return { ...facts, requestedAt: requestedAt.getTime() };
}

export function planOf({ startedAt, ...row }: typeof registryPlans.$inferSelect): ServingPlan {
  return { ...row, startedAt: startedAt.getTime() };
}

export function newestVersions(db: Database, model: string) {
  return db
    .select()
    .from(registryVersions)
    .where(eq(registryVersions.model, model))
    .orderBy(desc(registryVersions.version));
}

/** A reference as it is written. */
export function nameOf({ model, at }: ModelReference): string {
  if ("alias" in at) return `${model}@${at.alias}`;
  return "version" in at ? `${model}@${at.version}` : `${model}@sha256:${at.digest}`;
}
