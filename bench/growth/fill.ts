/** Tables full of the past, written in the database itself: models that can all be served, one of many versions, entries, keys. */
import type { State } from "../../src/platform/state/index.ts";

/** The model whose rows the others are copies of. */
export const seed = "seed";
/** A model of very many versions and changes. */
export const busy = "busy";
/** One of the models that {@link fill} makes: the same for the same number, and spread over all of them. */
export const pastModel = (number: number, size: number) => `past-${1 + ((number * 7_919) % size)}`;
/** One of the subjects of its ledger entries; each has a hundredth of them. */
export const pastSubject = (number: number) => `subject-${number % 100}`;

const versionColumns =
  "kind, lineage, parent_digest, metrics, bytes, signature, signed_by, note, registered_at, registered_by";

/** Writes so many models, versions of one, changes of that one, ledger entries and keys. */
export async function fill(state: State, count: number): Promise<void> {
  const series = `generate_series(1, ${count}) as i`;
  const statements = [
    `insert into fathom.registry_models (name, last_version, policy, changed_at)
       select 'past-' || i, 1, policy, changed_at from fathom.registry_models, ${series} where name = '${seed}'`,
    `insert into fathom.registry_versions (model, version, digest, ${versionColumns})
       select 'past-' || i, 1, digest, ${versionColumns} from fathom.registry_versions, ${series} where model = '${seed}'`,
    `insert into fathom.registry_files (model, version, name, sha256, bytes)
       select 'past-' || i, 1, name, sha256, bytes from fathom.registry_files, ${series} where model = '${seed}'`,
    `insert into fathom.registry_aliases (model, alias, version) select 'past-' || i, 'champion', 1 from ${series}`,
    `with held as (
       update fathom.registry_models set last_version = last_version + ${count} where name = '${busy}' returning last_version
     ) insert into fathom.registry_versions (model, version, digest, ${versionColumns})
       select '${busy}', last_version - ${count} + i, encode(sha256(convert_to('${busy}' || i, 'UTF8')), 'hex'), ${versionColumns}
       from fathom.registry_versions, held, ${series} where model = '${seed}'`,
    `insert into fathom.registry_history (model, alias, version, previous, action, at, actor, reason)
       select name, 'champion', 1, null, 'promote', now(), 'bench', ''
       from ${series}, lateral (values ('past-' || i), ('${busy}')) as of (name)`,
    `insert into fathom.api_keys (prefix, name, actor, hash, scopes, created_at, created_by)
       select lpad(to_hex(i), 16, '0'), 'past', 'past', repeat('0', 64), '["read"]', now(), 'bench' from ${series}`,
    // The ledger's own function, so that its chain is whole.
    `select max(appended) from ${series},
       lateral fathom.append_to_ledger(now(), 'bench', 'bench.past', 'subject-' || i % 100, '{}', null, null)`,
    "analyze", // as autovacuum and the embedded database's upkeep do after so much
    "checkpoint", // what was written is on the disk, and not on its way there meanwhile
  ];
  for (const statement of statements) await state.query(statement);
}
