/** Network addresses as the ones who are limited by them. */
import { isIPv6 } from "node:net";

/**
 * The part of an address that one subscriber has: all of an IPv4 address, the first 64 bits of an IPv6 one, of which each
 * line has 2^64 to choose from.
 *
 * @example
 * subscriberOf("::ffff:192.0.2.7"); // => "192.0.2.7"
 * subscriberOf("2001:db8::1:2:3"); // => "2001:db8:0:0::/64"
 */
export function subscriberOf(address: string): string {
  if (!isIPv6(address)) return address;
  const plain = address.replace(/%.*$/, "").toLowerCase(); // the zone names an interface of ours
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  const [head, tail] = plain.split("::").map((part) => part.split(":").filter(Boolean));
  const groups = tail === undefined ? head : [...head, ...zeros(8 - head.length - groupsIn(tail)), ...tail];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}

const zeros = (count: number) => Array.from({ length: Math.max(0, count) }, () => "0");
/** A dotted IPv4 tail stands for two groups. */
const groupsIn = (parts: readonly string[]) => parts.length + (parts.at(-1)?.includes(".") ? 1 : 0);
