/**
 * What a key may do, in words that a person can check: `*` everything, `forecast.*` a whole service, `forecast.predict` one
 * capability, `read` whatever only reads, `forecast:read` what only reads of one service.
 */
import type { Capability } from "./capability.ts";

/** What a request asks for: a capability, or an address of the server that is named like one. */
export type Access = Pick<Capability, "name" | "effect">;

const scopePattern = /^(\*|read|[a-z][A-Za-z0-9]*(\.\*|:read|\.[a-z][A-Za-z0-9]*))$/;

/** Whether a text has the form of a scope. */
export function isScope(text: string): boolean {
  return scopePattern.test(text);
}

/**
 * Whether any of some scopes allows an access.
 *
 * @example
 * allows(["forecast:read"], { name: "forecast.predict", effect: "reads" }); // => true
 * allows(["forecast:read"], { name: "forecast.train", effect: "writes" }); // => false
 */
export function allows(scopes: readonly string[], { name, effect }: Access): boolean {
  const service = name.split(".")[0];
  return scopes.some(
    (scope) =>
      scope === "*" ||
      scope === name ||
      scope === `${service}.*` ||
      (effect === "reads" && (scope === "read" || scope === `${service}:read`)),
  );
}

/** The first right that a call needs and the holder of some scopes lacks; everything is allowed without any. */
export function missingRight<Input>(
  scopes: readonly string[] | undefined,
  capability: Access & { readonly needs?: (input: Input) => readonly Access[] },
  input: Input,
): Access | undefined {
  if (scopes === undefined) return undefined;
  return [capability, ...(capability.needs?.(input) ?? [])].find((access) => !allows(scopes, access));
}

/**
 * Whether whoever holds some scopes may hand out another: nobody gives more than they have.
 *
 * @example
 * covers(["forecast.*"], "forecast:read"); // => true
 * covers(["forecast.*"], "*"); // => false
 */
export function covers(held: readonly string[], scope: string): boolean {
  const service = /^[^.:]+(?=[.:])/.exec(scope)?.[0];
  return held.some(
    (one) =>
      one === "*" ||
      one === scope ||
      (service !== undefined && one === `${service}.*`) ||
      (one === "read" && scope.endsWith(":read")),
  );
}
