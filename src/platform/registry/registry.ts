/** The registry on a state and a store. */
import { and, asc, desc, eq, gt, inArray, lt, lte, sql } from "drizzle-orm";
import {
  type Clock,
  type LedgerPort,
  PlatformError,
  type RegistryPort,
  type UtcMs,
} from "../../base/index.ts";
import type { BlobStore } from "../artifacts/index.ts";
import type { Signer } from "../signing/index.ts";
import {
  type Database,
  registryAliases,
  registryDriftChecks,
  registryFiles,
  registryHistory,
  registryModels,
  registryVersions,
  type State,
} from "../state/index.ts";
import { type Changing, changes, tell } from "./changes.ts";
import { driftChecks } from "./drift.ts";
import { files } from "./files.ts";
import { activePlan, plans } from "./plans.ts";
import { openRequests, promotion, wayBack } from "./promote.ts";
import { registering } from "./register.ts";
import {
  aliasesOf,
  historyOf,
  modelRow,
  newestVersions,
  numberedRow,
  referencedRow,
  versionOf,
} from "./rows.ts";
import type { World } from "./world.ts";

export interface RegistryOptions {
  readonly store: BlobStore;
  readonly signer: Signer;
  readonly ledger: LedgerPort;
  readonly clock: Clock;
  /** Where versions that were asked for are kept as folders. */
  readonly cacheFolder: string;
}

export function openRegistry({ db }: Pick<State, "db">, options: RegistryOptions): RegistryPort {
  const world: World = { db, ...options, changes: changes(db, options.ledger, options.clock) };
  const { scoreEdges, ...fileParts } = files(world);
  return {
    ...registering(world),
    ...promotion(world),
    ...plans(world, scoreEdges),
    ...fileParts,
    ...driftChecks(db),
    ...reading(db),

    remove: (model, version, { actor, reason }) =>
      world.changes.change(model, async (changing) => {
        const { db: held, at } = changing;
        await numberedRow(held, model, version);
        const users = await usersOf(changing, version);
        if (users.length > 0)
          throw new PlatformError(
            "conflict",
            "VERSION_IN_USE",
            `${model}@${version}: expected a version that nothing points to, found ${users.join(", ")}`,
          );
        const isIt = and(eq(registryFiles.model, model), eq(registryFiles.version, version));
        await held.delete(registryFiles).where(isIt);
        await held
          .delete(registryDriftChecks)
          .where(and(eq(registryDriftChecks.model, model), eq(registryDriftChecks.version, version)));
        const [row] = await held
          .update(registryVersions)
          .set({ removedAt: at, removedBy: actor })
          .where(and(eq(registryVersions.model, model), eq(registryVersions.version, version)))
          .returning();
        const payload = { digest: row.digest, actor, reason };
        await tell(held, { action: "registry.remove", subject: `${model}@${version}`, actor, payload });
        return versionOf(held, row);
      }),
  };
}

function reading(
  db: Database,
): Pick<RegistryPort, "models" | "has" | "champions" | "versions" | "resolve" | "history" | "inCharge"> {
  return {
    async models({ after, limit }) {
      const rows = await modelPage(db, after, limit);
      const inCharge = await db
        .select()
        .from(registryAliases)
        .where(
          and(
            inArray(
              registryAliases.model,
              rows.map(({ name }) => name),
            ),
            inArray(registryAliases.alias, ["champion", "challenger"]),
          ),
        );
      const versionAt = (model: string, alias: string) =>
        inCharge.find((row) => row.model === model && row.alias === alias)?.version ?? null;
      return rows.map(({ name, lastVersion, changedAt }) => ({
        model: name,
        versions: lastVersion,
        champion: versionAt(name, "champion"),
        challenger: versionAt(name, "challenger"),
        changedAt: changedAt.getTime(),
      }));
    },

    async has(model) {
      const rows = await db.select().from(registryModels).where(eq(registryModels.name, model));
      return rows.length > 0;
    },

    champions: ({ after, limit }) => championPage(db, after, limit),

    async versions(model, { before, limit }) {
      await modelRow(db, model);
      const rows = await versionPage(db, model, before, limit);
      return Promise.all(rows.map((row) => versionOf(db, row)));
    },

    resolve: async (reference) => versionOf(db, await referencedRow(db, reference)),

    async history(model, page) {
      await modelRow(db, model);
      return (await historyPage(db, model, page)).map(historyOf);
    },

    async inCharge(model, alias, at) {
      await modelRow(db, model);
      const [row] = await chargeAt(db, model, alias, at);
      return row && row.version !== null ? historyOf(row) : undefined;
    },
  };
}

export function modelPage(db: Database, after: string | undefined, limit: number) {
  return db
    .select()
    .from(registryModels)
    .where(after === undefined ? undefined : gt(registryModels.name, after))
    .orderBy(asc(registryModels.name))
    .limit(limit);
}

/** Digests by a subquery for each, not a join: they are looked up by key, whatever the planner believes of the tables. */
export function championPage(db: Database, after: string | undefined, limit: number) {
  const { model, alias, version } = registryAliases;
  const digest = sql<string>`(select v.digest from ${registryVersions} v
    where v.model = registry_aliases.model and v.version = registry_aliases.version)`;
  return db
    .select({ model, version, digest })
    .from(registryAliases)
    .where(and(eq(alias, "champion"), after === undefined ? undefined : gt(model, after)))
    .orderBy(asc(model))
    .limit(limit);
}

export function versionPage(db: Database, model: string, before: number | undefined, limit: number) {
  if (before === undefined) return newestVersions(db, model).limit(limit);
  const { model: of, version } = registryVersions;
  return db
    .select()
    .from(registryVersions)
    .where(and(eq(of, model), lt(version, before)))
    .orderBy(desc(version))
    .limit(limit);
}

export function historyPage(
  db: Database,
  model: string,
  { alias, before, limit }: { alias?: string | undefined; before?: number | undefined; limit: number },
) {
  const { model: of, alias: name, sequence, at } = registryHistory;
  return db
    .select()
    .from(registryHistory)
    .where(
      and(
        eq(of, model),
        alias === undefined ? undefined : eq(name, alias),
        before === undefined ? undefined : lt(sequence, before),
      ),
    )
    .orderBy(...(alias === undefined ? [desc(sequence)] : [desc(at), desc(sequence)]))
    .limit(limit);
}

/** The last entry of an alias up to an instant. */
export function chargeAt(db: Database, model: string, alias: string, at: UtcMs) {
  const { model: of, alias: name, at: time, sequence } = registryHistory;
  return db
    .select()
    .from(registryHistory)
    .where(and(eq(of, model), eq(name, alias), lte(time, new Date(at))))
    .orderBy(desc(time), desc(sequence))
    .limit(1);
}

/** What points to a version, or would go back to it. */
async function usersOf(changing: Changing, version: number): Promise<string[]> {
  const { db, model } = changing;
  const aliases = (await aliasesOf(db, model.name, version)).map(({ alias }) => `alias ${alias}`);
  const requests = (await openRequests(db, model.name)).filter((request) => request.version === version);
  const plan = (await activePlan(db, model.name)).filter(({ candidate, champion }) =>
    [candidate, champion].includes(version),
  );
  const isLastWayBack =
    (await wayBack(changing, "champion")) === version &&
    (await wayBack(changing, "champion", version)) === undefined;
  return [
    ...aliases,
    ...requests.map(({ id }) => `the open request ${id}`),
    ...plan.map(({ mode }) => `the ${mode} plan in force`),
    ...(isLastWayBack ? ["champion, which could be rolled back to no other one"] : []),
  ];
}
