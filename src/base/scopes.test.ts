import fc from "fast-check";
import { expect, test } from "vitest";
import { allows, covers, isScope } from "./scopes.ts";

const services = ["forecast", "registry", "keys"];
const actions = ["list", "promote", "predict"];
const scope = fc.oneof(
  fc.constantFrom("*", "read"),
  fc
    .tuple(fc.constantFrom(...services), fc.constantFrom(".*", ":read", ...actions.map((one) => `.${one}`)))
    .map((parts) => parts.join("")),
);
const access = fc.record({
  name: fc.tuple(fc.constantFrom(...services), fc.constantFrom(...actions)).map((parts) => parts.join(".")),
  effect: fc.constantFrom("reads" as const, "writes" as const, "destroys" as const),
});

test("a scope that is covered allows nothing that its holder may not do", () => {
  fc.assert(
    fc.property(fc.array(scope, { maxLength: 3 }), scope, access, (held, given, asked) => {
      fc.pre(covers(held, given) && allows([given], asked));
      expect(allows(held, asked)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test("every scope covers itself, and `*` covers all", () => {
  fc.assert(
    fc.property(scope, (one) => {
      expect(isScope(one)).toBe(true);
      expect(covers([one], one)).toBe(true);
      expect(covers(["*"], one)).toBe(true);
      expect(covers([], one)).toBe(false);
    }),
  );
});

test.each([
  ["*", true, true, true],
  ["read", true, false, false],
  ["forecast:read", true, false, false],
  ["forecast.*", true, true, false],
  ["forecast.train", false, true, false],
  ["forecast", false, false, false],
  ["forecast.t", false, false, false],
])("%s", (one, predict, train, promote) => {
  expect(allows([one], { name: "forecast.predict", effect: "reads" })).toBe(predict);
  expect(allows([one], { name: "forecast.train", effect: "writes" })).toBe(train);
  expect(allows([one], { name: "registry.promote", effect: "writes" })).toBe(promote);
});

test.each([
  "",
  "**",
  "*.*",
  "forecast.",
  ".train",
  "forecast.train.*",
  "Forecast.train",
  "a b",
  "read.",
  "forecast:write",
])("%j is no scope", (text) => expect(isScope(text)).toBe(false));
