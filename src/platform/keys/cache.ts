/** Rows of keys that were looked up a moment ago, so that a busy key costs one question to the database a second. */
import type { Clock } from "../../base/index.ts";

export interface RowCache<Row> {
  /** The row, or undefined when the database had none; asks it when nothing fresh is held. */
  get(prefix: string): Promise<Row | undefined>;
  /** Asks the database again the next time. */
  forget(prefix: string): void;
  readonly size: number;
}

interface Entry<Row> {
  readonly row: Promise<Row | undefined>;
  readonly atMs: number;
}

/**
 * @param freshMs how long a row is believed: what another process changes is seen after that at the latest
 * @param limit how many rows are held, of prefixes that exist and that do not; the one asked for longest ago goes first
 */
export function rowCache<Row>(
  read: (prefix: string) => Promise<Row | undefined>,
  { clock, freshMs, limit }: { clock: Clock; freshMs: number; limit: number },
): RowCache<Row> {
  const entries = new Map<string, Entry<Row>>();
  return {
    get(prefix) {
      const now = clock.elapsed();
      const known = entries.get(prefix);
      entries.delete(prefix);
      const fresh = known !== undefined && now - known.atMs < freshMs;
      const entry = fresh ? known : { row: read(prefix), atMs: now };
      entries.set(prefix, entry);
      if (entries.size > limit) entries.delete(entries.keys().next().value as string);
      if (!fresh) {
        entry.row.catch(() => {
          if (entries.get(prefix) === entry) entries.delete(prefix); // who asked hears of it; the next one asks anew
        });
      }
      return entry.row;
    },
    forget: (prefix) => void entries.delete(prefix),
    get size() {
      return entries.size;
    },
  };
}
