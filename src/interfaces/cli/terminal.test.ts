import { expect, test } from "vitest";
import { barText, durationText, openTerminal } from "./terminal.ts";

function recorded(isTerminal: boolean, quiet = false) {
  const state = { text: "", nowMs: 0 };
  const terminal = openTerminal({
    write: (text) => {
      state.text += text;
    },
    isTerminal,
    columns: () => 80,
    elapsed: () => state.nowMs,
    quiet,
  });
  const epoch = (done: number, atMs: number, stage = "train") => {
    state.nowMs = atMs;
    terminal.report({ stage, done, total: 100, unit: "epochs", values: { loss: 0.123456 } });
  };
  return { state, terminal, epoch };
}

test("draws a bar with rate, time left and values, within the width", () => {
  const progress = { stage: "train", done: 25, total: 100, unit: "epochs", values: { loss: 0.123456 } };
  const bar = barText(progress, 5, 79);
  expect(bar).toBe("train  [#######-------------------]  25/100 epochs  5/s  15 s left  loss 0.1235");
  expect(barText(progress, 5, 30).length).toBeLessThanOrEqual(30);
  expect(barText({ stage: "read", done: 1200, total: 0, unit: "rows" }, 400, 79)).toBe(
    "read  1200 rows  400/s",
  );
});

test("keeps the bar in a narrow window, and leaves out what says least", () => {
  const progress = {
    stage: "train",
    done: 507,
    total: 4056,
    unit: "steps",
    message: "epoch 3 of at most 24",
    values: { loss: 1.182, validation: 1.323 },
  };
  const bar = (width: number) => barText(progress, 1849, width);
  expect(bar(120)).toBe(
    "train  [###---------------------]  507/4056 steps  1849/s  2 s left  loss 1.182  validation 1.323  epoch 3 of at most 24",
  );
  expect(bar(99)).toBe(
    "train  [#----------]  507/4056 steps  2 s left  loss 1.182  validation 1.323  epoch 3 of at most 24",
  );
  expect(bar(79)).toBe("train  [##------------]  507/4056 steps  2 s left  loss 1.182  validation 1.323");
  expect(bar(60)).toBe("train  [##-----------]  507/4056 steps  2 s left  loss 1.182");
  expect(bar(40)).toBe("train  [##-------------]  507/4056 steps");
  expect(bar(20)).toBe("train  507/4056 step");
});

test("gives a stage of one step no rate and no time left", () => {
  expect(barText({ stage: "read", done: 1, total: 1, message: "p.csv" }, 6.727, 79)).toBe(
    "read  [##############################]  1/1  p.csv",
  );
  const { state, terminal } = recorded(false);
  terminal.report({ stage: "judge", done: 0, total: 1 });
  state.nowMs = 300;
  terminal.report({ stage: "judge", done: 1, total: 1 });
  expect(state.text).toBe("judge: 0/1\njudge: 1/1\n");
});

test("redraws in place on a terminal, not more than ten times a second, and always the end", () => {
  const { state, epoch } = recorded(true);
  for (let i = 1; i <= 100; i++) epoch(i, i * 10);
  expect(state.text.split("\r").length - 1).toBe(11); // at 10 ms, then each 100 ms, then the end
  expect(state.text).toContain("100/100 epochs");
  expect(state.text.endsWith("\n")).toBe(true);
});

test("counts rate and time left from where a resumed stage began", () => {
  const { state, epoch } = recorded(true);
  epoch(50, 0);
  epoch(60, 2000);
  expect(state.text).toContain("60/100 epochs  5/s  8 s left");
});

test("writes now and then a plain line elsewhere", () => {
  const { state, epoch } = recorded(false);
  for (let i = 1; i <= 100; i++) epoch(i, i * 100);
  const lines = state.text.trimEnd().split("\n");
  expect(lines.map((line) => line.slice(0, 19))).toEqual([
    "train: 1/100 epochs",
    "train: 51/100 epoch",
    "train: 100/100 epoc",
  ]);
  expect(state.text).not.toContain("\u001b");
});

test("wipes the bar before a log line, and starts anew with another stage", () => {
  const { state, terminal, epoch } = recorded(true);
  epoch(1, 0);
  terminal.warn("odd prices", { line: 7, file: "p.csv" });
  expect(state.text.endsWith("\r\u001b[Kwarning: odd prices (line=7, file=p.csv)\n")).toBe(true);
  epoch(2, 10, "evaluate");
  expect(state.text).toContain("evaluate");
});

test("keeps quiet about progress when asked, but not about warnings", () => {
  const { state, terminal, epoch } = recorded(false, true);
  epoch(1, 0);
  terminal.info("reading");
  terminal.warn("odd");
  expect(state.text).toBe("warning: odd\n");
});

test("lets no control character reach the terminal", () => {
  const { state, terminal } = recorded(false);
  terminal.line("evil\u001b[2J\nname");
  expect(state.text).toBe("evil [2J name\n");
});

test.each([
  [0.2, "1 s"],
  [61, "1 min 1 s"],
  [3725, "1 h 2 min"],
])("says %d seconds as %s", (seconds, words) => {
  expect(durationText(seconds)).toBe(words);
});

test("says once that a stage is over, however often it is told", () => {
  const { state, epoch } = recorded(false);
  epoch(1, 0);
  epoch(100, 5000);
  epoch(100, 5001);
  expect(state.text.match(/100\/100/g)).toHaveLength(1);
  epoch(1, 5002); // the next one of the same name
  epoch(100, 9000);
  expect(state.text.match(/100\/100/g)).toHaveLength(2);
});

test("gives what comes all at once no rate", () => {
  const { state, epoch } = recorded(false);
  epoch(1, 0);
  epoch(100, 20);
  expect(state.text).toContain("train: 100/100 epochs");
  expect(state.text).not.toContain("/s");
});
