/**
 * How a caller learns of limits: `RateLimit` and `RateLimit-Policy` as the IETF draft has them since revision 08
 * (draft-ietf-httpapi-ratelimit-headers-11, structured fields), and beside them `RateLimit-Limit`, `-Remaining` and
 * `-Reset` of its revisions up to 06, which is what clients of today read (ky, Octokit-like throttles, gateways); all of
 * them obey `Retry-After` (RFC 9110).
 */
import type { FastifyReply } from "fastify";
import type { RatePolicy, RateVerdict } from "../../../platform/limits/index.ts";

export interface NamedVerdict {
  /** What is limited: `key` or `model`. */
  readonly name: string;
  readonly policy: RatePolicy;
  readonly verdict: RateVerdict;
}

/** The fields for some verdicts, as name and value; the older three describe the one with the least left. */
export function rateFields(verdicts: readonly NamedVerdict[]): Readonly<Record<string, string>> {
  if (verdicts.length === 0) return {};
  const share = ({ policy, verdict }: NamedVerdict) => verdict.remaining / policy.capacity;
  const tightest = verdicts.reduce((least, one) => (share(one) < share(least) ? one : least));
  return {
    "ratelimit-policy": verdicts
      .map(
        ({ name, policy }) =>
          `"${name}";q=${quota(policy)};w=${Math.ceil(policy.capacity / policy.perSecond)}`,
      )
      .join(", "),
    ratelimit: verdicts
      .map(({ name, verdict }) => `"${name}";r=${verdict.remaining};t=${resetSeconds(verdict)}`)
      .join(", "),
    "ratelimit-limit": String(quota(tightest.policy)),
    "ratelimit-remaining": String(tightest.verdict.remaining),
    "ratelimit-reset": String(resetSeconds(tightest.verdict)),
  };
}

/** Sets the fields, and `Retry-After` when a verdict refuses. */
export function sendRateFields(reply: FastifyReply, verdicts: readonly NamedVerdict[]): void {
  reply.headers(rateFields(verdicts));
  const waits = verdicts.filter(({ verdict }) => !verdict.allowed).map(({ verdict }) => verdict.retrySeconds);
  if (waits.length > 0) reply.header("retry-after", String(Math.max(1, Math.ceil(Math.max(...waits)))));
}

const quota = ({ capacity }: RatePolicy) => Math.max(1, Math.floor(capacity));
/** Until one more is allowed when nothing is left, else until all is back. */
const resetSeconds = ({ remaining, retrySeconds, fullSeconds }: RateVerdict) =>
  Math.ceil(remaining === 0 && retrySeconds > 0 ? retrySeconds : fullSeconds);
