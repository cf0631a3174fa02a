import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { progressNotes } from "./progress.ts";
import { turns } from "./turns.ts";

describe("progress", () => {
  test("only grows, over stages that begin again at nothing", () => {
    const step = fc.record({
      stage: fc.constantFrom("read", "train", "test"),
      done: fc.integer({ min: 0, max: 10 }),
      total: fc.constantFrom(0, 5, 10),
      ms: fc.integer({ min: 0, max: 300 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let now = 0;
        const sent: number[] = [];
        const port = progressNotes(
          ({ progress }) => sent.push(progress),
          () => now,
        );
        for (const { ms, ...one } of steps) {
          now += ms;
          port.report(one);
        }
        for (let i = 1; i < sent.length; i++) expect(sent[i]).toBeGreaterThan(sent[i - 1]);
      }),
    );
  });
  test("sends the first and the last of a stage, and not more than ten a second between", () => {
    let now = 0;
    const sent: string[] = [];
    const port = progressNotes(
      ({ message }) => sent.push(message),
      () => now,
    );
    for (let done = 0; done <= 1000; done++) {
      now = done; // a report each millisecond
      port.report({ stage: "train", done, total: 1000, unit: "steps" });
    }
    expect(sent[0]).toBe("train: 0/1000 steps");
    expect(sent.at(-1)).toBe("train: 1000/1000 steps");
    expect(sent).toHaveLength(11);
  });
});

describe("turns", () => {
  test("run one after the other, whatever becomes of each", async () => {
    const inTurn = turns();
    const log: string[] = [];
    const { signal } = new AbortController();
    const piece = (name: string, fail = false) =>
      inTurn(signal, name, async () => {
        log.push(`${name} begins`);
        await sleep(2);
        log.push(`${name} ends`);
        if (fail) throw new Error(name);
        return name;
      });
    const all = await Promise.allSettled([piece("a"), piece("b", true), piece("c")]);
    expect(all.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(log).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
  });

  test("let one leave the line, without letting the next one past the one at work", async () => {
    const inTurn = turns();
    let atWork = 0;
    const work = async () => {
      atWork++;
      expect(atWork).toBe(1);
      await sleep(5);
      atWork--;
    };
    const { signal } = new AbortController();
    const leaving = new AbortController();
    const first = inTurn(signal, "first", work);
    const second = inTurn(leaving.signal, "second", work);
    const third = inTurn(signal, "third", work);
    leaving.abort();
    await expect(second).rejects.toMatchObject({ code: "INTERRUPTED" });
    await Promise.all([first, third]);
  });
});
