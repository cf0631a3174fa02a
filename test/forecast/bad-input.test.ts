/** Whatever is given, the answer is one clear line, the exit status of the contract, and nothing half-written. */
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fathom } from "./command.ts";

const folder = mkdtempSync(join(tmpdir(), "fathom-bad-"));
afterAll(() => rmSync(folder, { recursive: true }));

const day = (i: number) => new Date(Date.UTC(2020, 0, 1 + i)).toISOString().slice(0, 10);
const price = (i: number) => (100 + 10 * Math.sin(i / 3) + (i % 7)).toFixed(2);
const rows = (count: number, cell: (i: number) => string = price) =>
  ["date,close", ...Array.from({ length: count }, (_, i) => `${day(i)},${cell(i)}`)].join("\n");
const train = (...args: string[]) => [
  "forecast",
  "train",
  "--epochs",
  "1",
  "--hidden-size",
  "2",
  "--lookback",
  "4",
  ...args,
];

beforeAll(async () => {
  const files: Record<string, string | Uint8Array> = {
    "good.csv": rows(120),
    "empty.csv": "",
    "header.csv": "date,close\n",
    "no-close.csv": "date,volume\n2020-01-01,5\n",
    "text.csv": rows(120, (i) => (i === 3 ? "abc" : price(i))),
    "one.csv": rows(1),
    "flat.csv": rows(120, () => "100"),
    "binary.csv": Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13),
    "huge.csv": "",
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  truncateSync(join(folder, "huge.csv"), 2 ** 31);
  mkdirSync(join(folder, "mine"));
  writeFileSync(join(folder, "mine", "diary.txt"), "dear diary");
  const { status, stderr } = await fathom(folder, train("--data", "good.csv", "--out", "good"));
  expect(status, stderr).toBe(0);
});

test.each<[string, number, RegExp, string[]]>([
  [
    "an empty file",
    2,
    /^error DATA_EMPTY_FILE: empty\.csv: .*received 0 bytes/,
    train("--data", "empty.csv"),
  ],
  ["a header alone", 2, /^error DATA_EMPTY_FILE: header\.csv: /, train("--data", "header.csv")],
  [
    "a missing column",
    2,
    /^error DATA_COLUMN_MISSING: no-close\.csv line 1: .*close/,
    train("--data", "no-close.csv"),
  ],
  [
    "a text where a number belongs",
    2,
    /^error DATA_CELL_NOT_NUMBER: text\.csv line 5, column "close": expected a number, received "abc"/,
    train("--data", "text.csv"),
  ],
  [
    "one row only",
    2,
    /^error DATA_TOO_SHORT: one\.csv: expected at least 6 bars .*received 1/,
    train("--data", "one.csv"),
  ],
  ["prices that are all equal", 2, /^error DATA_PRICES_CONSTANT: flat\.csv/, train("--data", "flat.csv")],
  ["a binary file", 2, /^error DATA_NOT_A_TABLE: binary\.csv: .*PNG/, train("--data", "binary.csv")],
  ["a file of 2 GB", 2, /^error DATA_NOT_A_TABLE: huge\.csv: /, train("--data", "huge.csv")],
  ["a file that is not there", 3, /^error DATA_FILE_MISSING: none\.csv/, train("--data", "none.csv")],
  [
    "a symbol that is not there",
    3,
    /^error DATA_SYMBOL_UNKNOWN: good\.csv: .*"XYZ"/,
    train("--data", "good.csv", "--symbols", "XYZ"),
  ],
  [
    "a horizon longer than the data",
    2,
    /^error DATA_TOO_SHORT: good\.csv: .*horizon 500.*received 120/,
    train("--data", "good.csv", "--horizon", "500"),
  ],
  [
    "a patch longer than the window",
    2,
    /^error MODEL_OPTION_INVALID: --patch-length: expected at most the lookback, 4, for network patchTst, received 5$/m,
    train("--data", "good.csv", "--model", "patchTst", "--num-heads", "2", "--patch-length", "5"),
  ],
  [
    "heads that do not divide the hidden size",
    2,
    /^error MODEL_OPTION_INVALID: --num-heads: expected a number that divides the hidden size, 2, for network transformer, received 3$/m,
    train("--data", "good.csv", "--model", "transformer", "--num-heads", "3"),
  ],
  [
    "an even kernel without a middle",
    2,
    /^error MODEL_OPTION_INVALID: --kernel-size: expected an odd number, /m,
    train("--data", "good.csv", "--model", "dlinear", "--kernel-size", "4"),
  ],
  [
    "a date that is none",
    2,
    /^error INPUT_INVALID: --from: .*"2020-13-01"/,
    train("--data", "good.csv", "--from", "2020-13-01"),
  ],
  [
    "an unknown flag",
    2,
    /^error INPUT_INVALID: unknown flag --horizons; did you mean --horizon\?/,
    train("--horizons", "1"),
  ],
  [
    "an unknown command",
    2,
    /^error COMMAND_UNKNOWN: .*did you mean fathom forecast train\?/,
    ["forecast", "trian"],
  ],
  [
    "a folder of somebody's as --out",
    4,
    /^error ARTIFACT_FOREIGN: /,
    train("--data", "good.csv", "--out", "./mine"),
  ],
  [
    "a folder that is no model",
    4,
    /^error ARTIFACT_FOREIGN: .*mine/,
    ["forecast", "predict", "--artifact", "./mine", "--data", "good.csv"],
  ],
  [
    "a model that is not there",
    3,
    /^error ARTIFACT_MISSING: nothing/,
    ["forecast", "predict", "--artifact", "nothing", "--data", "good.csv"],
  ],
  [
    "a place where nothing can be written",
    5,
    /^error WRITE_FAILED: /,
    train("--data", "good.csv", "--out", "./good.csv/model"),
  ],
  [
    "a file as --out",
    5,
    /^error WRITE_FAILED: \.\/good\.csv: expected a new name or a trained model to replace, found a file/,
    train("--data", "good.csv", "--out", "./good.csv"),
  ],
  [
    "a file as the data folder",
    5,
    /^error WRITE_FAILED: .*good\.csv: expected a folder, found a file$/,
    train("--data", "good.csv", "--data-folder", "good.csv"),
  ],
])("answers %s with status %i and one line", async (_, status, line, args) => {
  const before = readdirSync(join(folder, "data", "models"));
  const ended = await fathom(folder, [...args, "--quiet"]);
  const errors = ended.stderr.split("\n").filter((text) => text.startsWith("error "));
  expect(errors).toHaveLength(1);
  expect(errors[0]).toMatch(line);
  expect(ended.status).toBe(status);
  expect(ended.stdout).toBe("");
  expect(readdirSync(join(folder, "data", "models"))).toEqual(before);
  expect(readFileSync(join(folder, "mine", "diary.txt"), "utf8")).toBe("dear diary");
});

test("judges --out before it trains, and says that a model will be replaced", async () => {
  const foreign = await fathom(folder, train("--data", "good.csv", "--out", "./mine"));
  expect(foreign.status).toBe(4);
  expect(foreign.stderr).not.toMatch(/^(normalise|linear|train):/m);
  const replaced = await fathom(folder, train("--data", "good.csv", "--out", "good"));
  expect(replaced.status).toBe(0);
  expect(replaced.stderr).toContain("the model good will be replaced when the new one is ready\n");
});

test("counts NaN and infinity among the missing cells", async () => {
  writeFileSync(
    join(folder, "nan.csv"),
    rows(120, (i) => (i === 10 ? "NaN" : i === 11 ? "inf" : price(i))),
  );
  const { status, stdout } = await fathom(folder, train("--data", "nan.csv", "--out", "nan", "--json"));
  expect(status).toBe(0);
  expect(JSON.parse(stdout).cleaning.missing).toBe(2);
});

test("refuses a model of which one byte was changed", async () => {
  appendFileSync(join(folder, "data", "models", "nan", "model.onnx"), "x");
  const { status, stderr } = await fathom(folder, [
    "forecast",
    "predict",
    "--artifact",
    "nan",
    "--data",
    "good.csv",
  ]);
  expect(stderr).toMatch(/error ARTIFACT_CORRUPT: .*model\.onnx: expected SHA-256 .* the file was changed/);
  expect(status).toBe(4);
});

test("leaves nothing half-written when the disk is full", async (context) => {
  const disk = join(folder, "disk");
  mkdirSync(disk);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], { stdio: "ignore" });
  } catch {
    console.log("skipped: a small disk can only be mounted by root");
    return context.skip();
  }
  try {
    const { status, stderr } = await fathom(folder, train("--data", "good.csv", "--out", "./disk/model"));
    expect(stderr).toMatch(/error DISK_FULL: /);
    expect(status).toBe(5);
    expect(readdirSync(disk)).toEqual([]);
  } finally {
    execFileSync("umount", [disk]);
  }
});

test("keeps a checkpoint when it is interrupted, and continues from it to the same bits", async () => {
  const long = (out: string) => [
    "forecast",
    "train",
    "--data",
    "simulated",
    "--symbols",
    "FIN01,TEC01",
    "--lookback",
    "10",
    "--hidden-size",
    "8",
    "--epochs",
    "24",
    "--patience",
    "99",
    "--batch-size",
    "16",
    "--out",
    out,
  ];
  const stopped = await fathom(folder, long("stopped"), { interruptWhen: /train: [\s\S]*train: / });
  expect(stopped.status, stopped.stderr).toBe(130);
  expect(stopped.stderr).toMatch(
    /^the training is kept up to its last whole epoch; the same command continues it\n(.*\n)*error INTERRUPTED: /m,
  );
  expect(existsSync(join(folder, "data", "models", "stopped"))).toBe(false);
  const again = await fathom(folder, [...long("stopped"), "--json"]);
  const resumed = JSON.parse(again.stdout);
  expect(resumed.resumedFrom).toBeGreaterThan(0);
  expect(again.stderr).toContain(`continues from epoch ${resumed.resumedFrom} of an interrupted training\n`);
  const whole = JSON.parse((await fathom(folder, [...long("whole"), "--json"])).stdout);
  expect(whole.resumedFrom).toBe(0);
  expect(resumed.history).toEqual(whole.history);
  const model = (name: string) => readFileSync(join(folder, "data", "models", name, "model.onnx"));
  expect(model("stopped").equals(model("whole"))).toBe(true);
});
