import { describe, expect, test } from "vitest";
import { homes } from "../../src/platform/state/testing/homes.ts";
import { killAtRandom } from "./kills.ts";

const kept = { lost: 0, unfinished: 0, doneTwice: 0, duplicated: 0, unrecorded: 0 };

describe.each(homes)("on $name", ({ makeHome }) => {
  test("loses no acknowledged job and ends none twice when processes are killed", async () => {
    const home = await makeHome();
    try {
      const result = await killAtRandom({ kills: 3, databaseUrl: home.url, seed: 1 });
      expect(result).toMatchObject({ kills: 3, ...kept });
      expect(result.acknowledged).toBeGreaterThan(5);
    } finally {
      await home.remove();
    }
  });
});
