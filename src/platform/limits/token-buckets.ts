/**
 * Token buckets: each id may take `capacity` at once and `perSecond` in the long run. One small record for each id, and so
 * many ids that memory stays bounded whoever asks.
 *
 * @see Turner (1986), "New directions in communications (or which way to the information age?)": the leaky bucket as a meter
 */
import type { Clock } from "../../base/index.ts";

export interface RatePolicy {
  /** The most that may be taken at once, above 0. */
  readonly capacity: number;
  /** What comes back in a second, above 0. */
  readonly perSecond: number;
}

export interface RateVerdict {
  readonly allowed: boolean;
  /** Whole tokens that are left. */
  readonly remaining: number;
  /** Seconds until the same can be taken; 0 when it was allowed. */
  readonly retrySeconds: number;
  /** Seconds until the bucket is full again, if nothing more is taken. */
  readonly fullSeconds: number;
}

export interface TokenBuckets {
  /** Takes one token, or says when there will be one. */
  take(id: string, policy: RatePolicy): RateVerdict;
  /** What `take` would answer. */
  look(id: string, policy: RatePolicy): RateVerdict;
  /** How many ids are remembered. */
  readonly size: number;
}

interface Bucket {
  tokens: number;
  atMs: number;
}

/**
 * @param limit how many ids are remembered. The one that was asked for longest ago is forgotten first: it is full again, or
 * belongs to somebody who made up more ids than this.
 */
export function tokenBuckets({ clock, limit = 10_000 }: { clock: Clock; limit?: number }): TokenBuckets {
  const buckets = new Map<string, Bucket>();
  const tokensOf = (id: string, { capacity, perSecond }: RatePolicy, now: number) => {
    const known = buckets.get(id);
    if (known === undefined) return capacity;
    return Math.min(capacity, known.tokens + (Math.max(0, now - known.atMs) / 1000) * perSecond);
  };
  const verdict = (before: number, after: number, { capacity, perSecond }: RatePolicy): RateVerdict => ({
    allowed: before >= 1,
    remaining: Math.max(0, Math.floor(after)),
    retrySeconds: before >= 1 ? 0 : (1 - before) / perSecond,
    fullSeconds: (capacity - after) / perSecond,
  });
  return {
    look(id, policy) {
      const tokens = tokensOf(id, policy, clock.elapsed());
      return verdict(tokens, tokens, policy);
    },
    take(id, policy) {
      const now = clock.elapsed();
      const before = tokensOf(id, policy, now);
      const after = before >= 1 ? before - 1 : before;
      buckets.delete(id); // and to the end of the line
      buckets.set(id, { tokens: after, atMs: now });
      if (buckets.size > limit) buckets.delete(buckets.keys().next().value as string);
      return verdict(before, after, policy);
    },
    get size() {
      return buckets.size;
    },
  };
}
