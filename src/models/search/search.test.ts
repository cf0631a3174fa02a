import { spawn } from "node:child_process";
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import { keyFrom, mean, PlatformError } from "../../base/index.ts";
import {
  asha,
  fileJournal,
  type HalvingOptions,
  integerBetween,
  logUniformBetween,
  oneOf,
  randomSearch,
  type SearchOptions,
  samplePoint,
  search,
  successiveHalving,
  tpe,
  uniformBetween,
} from "./index.ts";
import { slowSearch } from "./testing/slow-search.ts";

const folder = mkdtempSync(join(tmpdir(), "fathom-search-"));
afterAll(() => rmSync(folder, { recursive: true }));

const space = { x: uniformBetween(-5, 5), y: uniformBetween(-5, 5) };
const bowl = async ({ x, y }: Readonly<Record<string, unknown>>) =>
  (Number(x) - 1) ** 2 + (Number(y) + 2) ** 2;
const options = (more: Partial<SearchOptions> = {}): SearchOptions => ({
  space,
  strategy: randomSearch({ trials: 20 }),
  trial: bowl,
  key: keyFrom(1),
  ...more,
});

describe("a space", () => {
  const points = Array.from({ length: 4000 }, (_, i) =>
    samplePoint(
      { u: uniformBetween(2, 4), l: logUniformBetween(1e-4, 1), i: integerBetween(1, 4), c: oneOf("a", "b") },
      keyFrom(i),
    ),
  );
  const share = (holds: (point: (typeof points)[number]) => boolean) =>
    points.filter(holds).length / points.length;

  test("is drawn from evenly on its own scale", () => {
    expect(share(({ u }) => Number(u) < 3)).toBeCloseTo(0.5, 1);
    expect(share(({ l }) => Number(l) < 1e-2)).toBeCloseTo(0.5, 1); // half of the four orders of magnitude
    for (const whole of [1, 2, 3, 4]) expect(share(({ i }) => i === whole)).toBeCloseTo(0.25, 1);
    expect(share(({ c }) => c === "a")).toBeCloseTo(0.5, 1);
  });

  test.each<[string, () => unknown]>([
    ["uniform: expected finite bounds, the lower first, received 2 and 1", () => uniformBetween(2, 1)],
    ["logUniform: expected bounds above 0, received 0", () => logUniformBetween(0, 1)],
    ["integer: expected whole bounds, received 0.5", () => integerBetween(0.5, 3)],
    ["categorical: expected at least one choice, received none", () => oneOf()],
  ])("refuses %s", (message, make) => {
    expect(make).toThrow(
      expect.objectContaining({ code: "MODEL_OPTION_INVALID", message: `search space: ${message}` }),
    );
  });
});

describe("a search", () => {
  test("gives the same jobs for the same key and others for another", async () => {
    const strategy = tpe({ trials: 25 });
    const [one, same, other] = [
      await search(options({ strategy })),
      await search(options({ strategy })),
      await search(options({ strategy, key: keyFrom(2) })),
    ];
    expect(same).toEqual(one);
    expect(other.jobs).not.toEqual(one.jobs);
  });

  test("runs as many trials at a time as there are workers, each with a worker to itself", async () => {
    const busy = new Set<number>();
    let most = 0;
    const trial: SearchOptions["trial"] = async (parameters, { worker, trial: number }) => {
      expect(busy.has(worker)).toBe(false);
      busy.add(worker);
      most = Math.max(most, busy.size);
      await sleep(1 + (number % 3));
      busy.delete(worker);
      return bowl(parameters);
    };
    const alone = await search(options());
    const together = await search(options({ trial, workers: 3 }));
    expect(most).toBe(3);
    // Random search does not care who ends first.
    expect(together.jobs.toSorted((a, b) => a.trial - b.trial)).toEqual(alone.jobs);
    expect(together.best).toEqual(alone.best);
  });

  test("finds the highest score where higher is better", async () => {
    const { best, jobs } = await search(options({ better: "higher" }));
    expect(best?.score).toBe(Math.max(...jobs.map(({ score }) => score as number)));
  });

  test("goes on after a trial that diverged or has no score, and never calls it the best", async () => {
    const trial: SearchOptions["trial"] = async (parameters, { trial: number }) => {
      if (number === 1) throw new PlatformError("conflict", "TRAINING_DIVERGED", "training: no number");
      return number === 2 ? Number.NaN : bowl(parameters);
    };
    const { jobs, best } = await search(options({ trial, strategy: randomSearch({ trials: 4 }) }));
    expect(jobs.map(({ failure }) => failure)).toEqual([
      undefined,
      "training: no number",
      "expected a finite score, received NaN",
      undefined,
    ]);
    expect([0, 3]).toContain(best?.trial);
  });

  test("ends with any other error of a trial, after telling the others to stop", async () => {
    const stopped: number[] = [];
    const trial: SearchOptions["trial"] = async (_, { trial: number, signal }) => {
      if (number === 0) throw new Error("a bug");
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      stopped.push(number);
      return 1;
    };
    await expect(search(options({ trial, workers: 3 }))).rejects.toThrow("a bug");
    expect(stopped).toEqual([1, 2]);
  });

  test("is interrupted by its signal", async () => {
    const controller = new AbortController();
    const trial: SearchOptions["trial"] = async (_, { trial: number }) => {
      if (number === 2) controller.abort();
      return number;
    };
    await expect(search(options({ trial, signal: controller.signal }))).rejects.toMatchObject({
      code: "INTERRUPTED",
    });
  });
});

describe("the tree-structured Parzen estimator", () => {
  test("comes nearer to the bottom of a bowl than random search, on the mean of ten seeds", async () => {
    const bestOf = async (strategy: SearchOptions["strategy"]) =>
      mean(
        await Promise.all(
          Array.from({ length: 10 }, async (_, seed) => {
            const { best } = await search(options({ strategy, key: keyFrom(seed) }));
            return best?.score as number;
          }),
        ),
      );
    const [informed, blind] = [await bestOf(tpe({ trials: 60 })), await bestOf(randomSearch({ trials: 60 }))];
    expect(informed).toBeLessThan(blind / 2);
  });

  test("learns which choice is good, and the order of magnitude of a rate", async () => {
    const { jobs } = await search({
      space: {
        kind: oneOf("a", "b", "c", "d"),
        rate: logUniformBetween(1e-6, 1),
        layers: integerBetween(1, 8),
      },
      strategy: tpe({ trials: 80 }),
      key: keyFrom(5),
      trial: async ({ kind, rate, layers }) =>
        (kind === "c" ? 0 : 2) + (Math.log10(Number(rate)) + 3) ** 2 + Math.abs(Number(layers) - 5),
    });
    const late = jobs.slice(40);
    expect(late.filter(({ parameters }) => parameters.kind === "c").length).toBeGreaterThan(24); // of 40; by chance 10
    expect(
      late.filter(({ parameters }) => Math.abs(Number(parameters.layers) - 5) <= 1).length,
    ).toBeGreaterThan(20); // of 40; by chance 15
    for (const { parameters } of jobs) {
      expect(Number(parameters.rate)).toBeGreaterThanOrEqual(1e-6);
      expect(Number(parameters.rate)).toBeLessThanOrEqual(1);
      expect(Number.isInteger(parameters.layers)).toBe(true);
    }
  });
});

describe("halving", () => {
  const halving: HalvingOptions = { trials: 9, minBudget: 1, maxBudget: 9, reduction: 3 };
  /** A trial is as good as its x, whatever the budget. */
  const steady = async ({ x }: Readonly<Record<string, unknown>>) => Number(x);
  const budgets = (jobs: readonly { readonly budget: number }[]) =>
    [1, 3, 9].map((budget) => jobs.filter((job) => job.budget === budget).length);

  test("gives the best third three times as much, and the best of them nine times", async () => {
    const { jobs, best } = await search(options({ strategy: successiveHalving(halving), trial: steady }));
    expect(budgets(jobs)).toEqual([9, 3, 1]);
    const order = jobs.slice(0, 9).toSorted((a, b) => (a.score as number) - (b.score as number));
    expect(jobs.slice(9, 12).map(({ trial }) => trial)).toEqual(order.slice(0, 3).map(({ trial }) => trial));
    expect(best).toMatchObject({ trial: order[0].trial, budget: 9 });
  });

  test("waits for a rung in successive halving, and not in ASHA", async () => {
    const trial: SearchOptions["trial"] = async (parameters, { trial: number, budget }) => {
      if (number === 0 && budget === 1) await sleep(60); // the others wait for it, or do not
      return steady(parameters);
    };
    const rungs = async (strategy: SearchOptions["strategy"]) =>
      (await search(options({ strategy, trial, workers: 2 }))).jobs;
    const [waited, asynchronous] = [await rungs(successiveHalving(halving)), await rungs(asha(halving))];
    expect(waited.findIndex(({ budget }) => budget === 3)).toBe(9);
    expect(asynchronous.findIndex(({ budget }) => budget === 3)).toBeLessThan(9);
    expect(budgets(asynchronous).slice(0, 2)).toEqual([9, 3]);
  });

  test("promotes in ASHA as soon as three have ended, the best of them first", async () => {
    const { jobs } = await search(options({ strategy: asha(halving), trial: steady }));
    expect(jobs[3].budget).toBe(3);
    const three = jobs.slice(0, 3).toSorted((a, b) => (a.score as number) - (b.score as number));
    expect(jobs[3].trial).toBe(three[0].trial);
  });

  test("carries on with fewer where trials failed", async () => {
    const trial: SearchOptions["trial"] = async (parameters, { trial: number }) =>
      number < 7 ? Number.NaN : steady(parameters);
    const { jobs } = await search(options({ strategy: successiveHalving(halving), trial }));
    expect(budgets(jobs)).toEqual([9, 2, 0]); // a third of two is none
  });
});

describe("the journal", () => {
  test("lets a search that was killed go on without repeating a trial, to the same end", {
    timeout: 60_000,
  }, async () => {
    const whole = await search(slowSearch(0));
    const path = join(folder, "killed.jsonl");
    const script = join(import.meta.dirname, "testing/slow-search.ts");
    const child = spawn(process.execPath, ["--import", "tsx", script, path], { stdio: "ignore" });
    const ended = new Promise((resolve) => child.on("exit", (_, signal) => resolve(signal)));
    const lines = () => (existsSync(path) ? readFileSync(path, "utf8").split("\n").length - 1 : 0);
    while (lines() < 12) await sleep(5);
    child.kill("SIGKILL");
    expect(await ended).toBe("SIGKILL");
    appendFileSync(path, '{"trial":12,"parameters":{"x":0.'); // as if it had been killed while writing
    const before = lines() - 1;
    expect(before).toBeLessThan(40);
    let calls = 0;
    const { trial, ...rest } = slowSearch(0);
    const resumed = await search({
      ...rest,
      trial: (...args) => {
        calls++;
        return trial(...args);
      },
      journal: fileJournal(path),
    });
    expect(resumed.resumed).toBe(before);
    expect(calls).toBe(40 - before);
    expect(resumed.jobs).toEqual(whole.jobs);
    expect(resumed.best).toEqual(whole.best);
    expect(lines()).toBe(41); // and the search's own line
  });

  test("is read by no other search", async () => {
    const journal = fileJournal(join(folder, "foreign.jsonl"));
    await search(options({ journal }));
    for (const other of [
      { key: keyFrom(2) },
      { strategy: randomSearch({ trials: 21 }) },
      { better: "higher" as const },
    ])
      await expect(search(options({ journal, ...other }))).rejects.toMatchObject({ code: "SEARCH_FOREIGN" });
    expect((await search(options({ journal }))).resumed).toBe(20);
  });

  test("is refused when a line before the last was changed", async () => {
    const path = join(folder, "changed.jsonl");
    await search(options({ journal: fileJournal(path), strategy: randomSearch({ trials: 3 }) }));
    const text = readFileSync(path, "utf8");
    const refused = (changed: string) => {
      writeFileSync(path, changed);
      return search(options({ journal: fileJournal(path), strategy: randomSearch({ trials: 3 }) }));
    };
    await expect(refused(text.replace('"trial":1', '"trial":"one"'))).rejects.toMatchObject({
      code: "ARTIFACT_CORRUPT",
      message: expect.stringContaining("changed.jsonl, line 3: expected a finished trial: field trial"),
    });
    await expect(refused(text.replace('{"trial":1', '{"trial'))).rejects.toMatchObject({
      code: "ARTIFACT_CORRUPT",
    });
  });
});

test.each<[string, () => unknown]>([
  [
    "random search: expected trials of 1 or more, a whole number, received 0",
    () => randomSearch({ trials: 0 }),
  ],
  [
    "tpe: expected startup of 1 or more, a whole number, received 0.5",
    () => tpe({ trials: 1, startup: 0.5 }),
  ],
  [
    "asha: expected 0 < minBudget <= maxBudget, received 2 and 1",
    () => asha({ trials: 1, minBudget: 2, maxBudget: 1 }),
  ],
  [
    "successive halving: expected reduction of 2 or more, a whole number, received 1",
    () => successiveHalving({ trials: 1, minBudget: 1, maxBudget: 1, reduction: 1 }),
  ],
])("refuses %s", (message, make) => {
  expect(make).toThrow(expect.objectContaining({ code: "MODEL_OPTION_INVALID", message }));
});
