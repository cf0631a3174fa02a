export { subscriberOf } from "./addresses.ts";
export { type RatePolicy, type RateVerdict, type TokenBuckets, tokenBuckets } from "./token-buckets.ts";
