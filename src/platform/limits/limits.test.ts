import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { subscriberOf, tokenBuckets } from "./index.ts";

function fixture(limit?: number) {
  let now = 0;
  const clock = { now: () => now, elapsed: () => now };
  return {
    buckets: tokenBuckets({ clock, ...(limit !== undefined && { limit }) }),
    wait: (ms: number) => (now += ms),
  };
}
const policy = { capacity: 3, perSecond: 2 };

test("lets the capacity through at once, then so much a second", () => {
  const { buckets, wait } = fixture();
  const take = () => buckets.take("a", policy);
  expect([take(), take(), take(), take()].map(({ allowed }) => allowed)).toEqual([true, true, true, false]);
  expect(take()).toEqual({ allowed: false, remaining: 0, retrySeconds: 0.5, fullSeconds: 1.5 });
  wait(499);
  expect(take().allowed).toBe(false);
  wait(1);
  expect(take().allowed).toBe(true);
  expect(take().allowed).toBe(false);
  wait(60_000);
  expect(buckets.look("a", policy)).toEqual({ allowed: true, remaining: 3, retrySeconds: 0, fullSeconds: 0 });
});

test("keeps ids apart, and looking takes nothing", () => {
  const { buckets } = fixture();
  for (let i = 0; i < 9; i++) buckets.look("a", policy);
  for (let i = 0; i < 4; i++) buckets.take("b", policy);
  expect(buckets.look("a", policy).remaining).toBe(3);
  expect(buckets.look("b", policy).allowed).toBe(false);
});

test("never lets more through in any span than capacity and rate allow, and wastes nothing", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 2_000 }), { minLength: 1, maxLength: 200 }),
      fc.record({ capacity: fc.integer({ min: 1, max: 9 }), perSecond: fc.integer({ min: 1, max: 9 }) }),
      (waits, one) => {
        const { buckets, wait } = fixture();
        let now = 0;
        const passed: number[] = [];
        for (const ms of waits) {
          wait(ms);
          now += ms;
          const { allowed, retrySeconds } = buckets.take("a", one);
          if (allowed) passed.push(now);
          else expect(retrySeconds).toBeGreaterThan(0);
        }
        for (let from = 0; from < passed.length; from++)
          for (let to = from; to < passed.length; to++) {
            const seconds = (passed[to] - passed[from]) / 1000;
            expect(to - from + 1).toBeLessThanOrEqual(one.capacity + seconds * one.perSecond + 1e-6);
          }
      },
    ),
    { numRuns: 50 },
  );
});

test("a refused caller is let through after the time it was told", () => {
  fc.assert(
    fc.property(fc.double({ min: 0.1, max: 50, noNaN: true }), (perSecond) => {
      const { buckets, wait } = fixture();
      const one = { capacity: 1, perSecond };
      buckets.take("a", one);
      const { retrySeconds } = buckets.take("a", one);
      wait(Math.ceil(retrySeconds) * 1000); // as `Retry-After` says it, in whole seconds
      expect(buckets.take("a", one).allowed).toBe(true);
    }),
  );
});

test("remembers so many ids however many ask", () => {
  const { buckets } = fixture(100);
  for (let i = 0; i < 10_000; i++) buckets.take(`made up ${i}`, policy);
  expect(buckets.size).toBe(100);
});

test("is not refilled by a clock that stands still or jumps back", () => {
  let now = 10_000;
  const buckets = tokenBuckets({ clock: { now: () => now, elapsed: () => now } });
  for (let i = 0; i < 3; i++) buckets.take("a", policy);
  now = 0;
  expect(buckets.take("a", policy).allowed).toBe(false);
});

describe("a subscriber", () => {
  test.each([
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["2001:DB8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::9", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002:ffff::", "2001:db8:1:2::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["64:ff9b::192.0.2.7", "64:ff9b:0:0::/64"],
    ["no address", "no address"],
  ])("of %s is %s", (address, wanted) => expect(subscriberOf(address)).toBe(wanted));

  test("is the same for all 2^64 addresses of a line", () => {
    const group = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16));
    fc.assert(
      fc.property(fc.array(group, { minLength: 4, maxLength: 4 }), (tail) => {
        expect(subscriberOf(`2001:db8:7:8:${tail.join(":")}`)).toBe("2001:db8:7:8::/64");
      }),
    );
  });
});
