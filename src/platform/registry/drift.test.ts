import { beforeEach, describe, expect, test } from "vitest";
import type { DriftCheck } from "../../base/index.ts";
import { homes } from "../state/testing/homes.ts";
import { day, newYear, type TestRegistry, withTestRegistry } from "./testing/world.ts";

describe.each(homes)("drift on $name", ({ makeHome }) => {
  let at: TestRegistry;
  let count = 0;
  /** A model of its own for each test. */
  let model: string;
  withTestRegistry(makeHome, (opened) => {
    at = opened;
  });
  beforeEach(() => {
    model = `model-${++count}`;
  });

  const change = (actor: string) => ({ actor, reason: "because" });
  const check = (version: number, at: number, psi: number): DriftCheck => ({
    ...{ model, version, at, by: "nightly", from: "2025-01-01", to: "2025-12-31", drifted: psi > 0.25 },
    features: [{ name: "close", drifted: psi > 0.25, measures: [{ measure: "psi", value: psi }] }],
  });
  const kept = async () =>
    (await at.registry.driftChecks({ limit: 50 })).filter((one) => one.model === model);

  test("is the latest check of each version that an alias points to", async () => {
    for (const name of ["a", "b", "c"]) await at.add(model, `${model}-${name}`);
    await at.registry.setAlias(model, "best", 2, change("ann"));
    await at.registry.setAlias(model, "challenger", 3, change("ann"));
    for (const one of [check(1, newYear, 0.9), check(2, newYear + day, 0.1), check(3, newYear, 0.4)])
      await at.registry.recordDrift(one);
    expect(await kept()).toEqual([check(2, newYear + day, 0.1), check(3, newYear, 0.4)]);
    expect(await at.registry.driftCheck(model, 1)).toEqual(check(1, newYear, 0.9));
    expect(await at.registry.driftCheck(model, 4)).toBeUndefined();
    await at.registry.recordDrift(check(2, newYear, 0.7)); // of yesterday, and told late
    await at.registry.recordDrift(check(3, newYear + 2 * day, 0.2));
    expect(await kept()).toEqual([check(3, newYear + 2 * day, 0.2), check(2, newYear + day, 0.1)]);
    await at.registry.setAlias(model, "best", 1, change("ann"));
    expect((await kept()).map(({ version }) => version)).toEqual([3, 1]);
  });

  test("is kept for versions that there are, and goes with them", async () => {
    await at.add(model, `${model}-a`);
    await expect(at.registry.recordDrift(check(7, newYear, 0.1))).rejects.toMatchObject({
      code: "VERSION_UNKNOWN",
    });
    await at.registry.recordDrift(check(1, newYear, 0.1));
    await at.registry.remove(model, 1, change("ann"));
    expect(
      await at.state.query("select model from fathom.registry_drift_checks where model = $1", [model]),
    ).toEqual([]);
  });
});
