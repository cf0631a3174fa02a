/** The command line as scripts see it: words in, text and exit status out. */

import { expect, test } from "vitest";
import { keyFrom } from "../../src/base/index.ts";
import { type CliOptions, runCli } from "../../src/interfaces/cli/run.ts";
import { localContext } from "../../src/platform/local/index.ts";
import { toys } from "./toys.ts";

async function fathom(words: string, overrides: Partial<CliOptions> = {}) {
  let [stdout, stderr] = ["", ""];
  const status = await runCli({
    argv: words.split(" ").filter(Boolean),
    capabilities: toys,
    version: "1.2.3",
    environment: {},
    stdout: {
      write: (text) => {
        stdout += text;
      },
    },
    stderr: {
      write: (text) => {
        stderr += text;
      },
    },
    readInput: async (path) => {
      if (path === "-") return '{"data":"piped.csv"}';
      if (path === "request.json") return '{"data":"p.csv","lookback":10,"cleaning":{"maxGap":1}}';
      throw Object.assign(new Error("no such file"), { code: "ENOENT" });
    },
    signal: new AbortController().signal,
    elapsed: () => 0,
    makeContext: (options) => localContext({ ...options, key: keyFrom(1) }),
    ...overrides,
  });
  return { status, stdout, stderr };
}

test("prints the summary that the capability writes for people", async () => {
  expect(await fathom("toy moving-average --data p.csv")).toEqual({
    status: 0,
    stdout: "mean 0.5\n",
    stderr: "",
  });
});

test("prints exactly one JSON document with --json, and progress beside it", async () => {
  const { status, stdout, stderr } = await fathom("toy count --json");
  expect(status).toBe(0);
  expect(stdout).toBe('{"counted":3}\n');
  expect(stderr).toBe("counting (to=3)\ncount: 1/3 steps, loss 1\ncount: 3/3 steps, loss 0.3333\n");
});

test("draws on a terminal that does not know its width", async () => {
  let text = "";
  const write = (words: string) => {
    text += words;
  };
  await fathom("toy count --json", { stderr: { write, isTTY: true, columns: 0 } });
  expect(text).toMatch(/count {2}\[#{30}\] {2}3\/3 steps/);
});

test("prints JSON for people when there is no summary", async () => {
  expect((await fathom("toy count --quiet")).stdout).toBe('{\n  "counted": 3\n}\n');
});

test("finds an action under both spellings, and common flags before the command", async () => {
  expect((await fathom("--json toy movingAverage --data p.csv")).status).toBe(0);
  expect((await fathom("--quiet --data-folder d toy count")).status).toBe(0);
  expect((await fathom("--json true --provider cpu -q toy count")).stdout).toBe('{"counted":3}\n');
});

test("takes the input from a file or standard input, with flags over it", async () => {
  const file = await fathom("toy moving-average --input request.json --lookback 20 --json");
  expect(JSON.parse(file.stdout).received).toMatchObject({
    data: "p.csv",
    lookback: 20,
    cleaning: { maxGap: 1, outliers: "hampel" },
  });
  const piped = await fathom("toy moving-average --input - --json");
  expect(JSON.parse(piped.stdout).received).toMatchObject({ data: "piped.csv" });
});

test.each([
  ["toy moving-average", 2, "error INPUT_INVALID: --data: expected text, received nothing"],
  [
    "toy moving-average --data p --lookback soon",
    2,
    'error INPUT_INVALID: --lookback: expected a whole number, received "soon"',
  ],
  [
    "toy moving-average --data p --lookback 1",
    2,
    "error INPUT_INVALID: --lookback: expected a whole number of at least 2, received 1",
  ],
  [
    "toy moving-average --data p --method simpel --horizon 0",
    2,
    'error INPUT_INVALID: --method: expected "simple" or "exponential", received "simpel"; did you mean "simple"?; --horizon: item 1: expected a whole number of at least 1, received 0',
  ],
  ["toy moving-average --dta p", 2, "error INPUT_INVALID: unknown flag --dta; did you mean --data?"],
  [
    "toy moving-average --data p.csv --rate NaN",
    2,
    'error INPUT_INVALID: --rate: expected a number or "auto", received NaN',
  ],
  [
    "toy moving-average --input absent.json",
    3,
    "error DATA_FILE_MISSING: --input: expected a file at absent.json, found none",
  ],
  [
    "toy moving-average --input - --data -",
    2,
    "error INPUT_INVALID: --input and --data: expected one of them to read standard input, received both as -",
  ],
  [
    "toy mving-average",
    2,
    'error COMMAND_UNKNOWN: there is no command "toy mving-average"; did you mean fathom toy moving-average?',
  ],
  ["tooy count", 2, 'error COMMAND_UNKNOWN: there is no command "tooy"; did you mean fathom toy?'],
  ["forecast", 2, 'error COMMAND_UNKNOWN: there is no command "forecast"; fathom --help lists what there is'],
  [
    "toy locate --artifact nothing",
    3,
    "error ARTIFACT_MISSING: nothing: expected the folder of a trained model, found nothing there",
  ],
  ["toy count --json=maybe", 2, 'error INPUT_INVALID: --json: expected true or false, received "maybe"'],
  ["toy count --quiet=maybe", 2, 'error INPUT_INVALID: --quiet: expected true or false, received "maybe"'],
  ["toy count --help=maybe", 2, 'error INPUT_INVALID: --help: expected true or false, received "maybe"'],
  [
    "toy count --provider gpu",
    2,
    'error INPUT_INVALID: --provider: expected one of "cpu", "cuda" or "webgpu", received "gpu"; did you mean "cpu"?',
  ],
  [
    "--provider=gpu --json=maybe toy count",
    2,
    'error INPUT_INVALID: --json: expected true or false, received "maybe"; --provider: expected one of "cpu", "cuda" or "webgpu", received "gpu"; did you mean "cpu"?',
  ],
  [
    "--provider gpu",
    2,
    'error INPUT_INVALID: --provider: expected one of "cpu", "cuda" or "webgpu", received "gpu"; did you mean "cpu"?',
  ],
  [
    "toy count --data-folder=",
    2,
    'error INPUT_INVALID: --data-folder: expected text of at least 1 character, received ""',
  ],
  [
    "toy moving-average --input=",
    2,
    'error INPUT_INVALID: --input: expected text of at least 1 character, received ""',
  ],
  ["toy count --quiet --fail field", 2, "error INPUT_INVALID: --step-ms: expected a later one, received 1"],
  ["toy count --quiet --fail conflict", 4, "error TRAINING_DIVERGED: toy.count: the loss became NaN"],
  ["toy count --quiet --fail bug", 1, "error INTERNAL: secret insides (set FATHOM_DEBUG=1 to see where)"],
])("answers `fathom %s` with exit status %d and one line", async (words, status, line) => {
  expect(await fathom(words)).toEqual({ status, stdout: "", stderr: `${line}\n` });
});

test("shows where a mistake of ours is only when asked", async () => {
  const { stderr } = await fathom("toy count --quiet --fail bug", { environment: { FATHOM_DEBUG: "1" } });
  expect(stderr).toMatch(/^error INTERNAL: secret insides\nError: secret insides\n {4}at /);
});

test("names the field of an output that breaks its own schema", async () => {
  const { status, stderr } = await fathom("toy wrong");
  expect(status).toBe(1);
  expect(stderr).toContain("toy.wrong answered with another output than it declares: mean:");
});

test("prints a problem of RFC 9457 with --json, and the line for people beside it", async () => {
  const { status, stdout, stderr } = await fathom("toy moving-average --json");
  expect(status).toBe(2);
  expect(JSON.parse(stdout)).toEqual({
    type: "urn:fathom:error:input-invalid",
    title: "The request is not valid",
    status: 400,
    detail: "--data: expected text, received nothing",
    code: "INPUT_INVALID",
    field: "data",
  });
  expect(stderr).toBe("error INPUT_INVALID: --data: expected text, received nothing\n");
});

test("rejects a field of the request file that no schema names", async () => {
  const readInput = async () => '{"data":"p.csv","cleaning":{"maxGpa":1}}';
  const { status, stderr } = await fathom("toy moving-average --input r.json", { readInput });
  expect(status).toBe(2);
  expect(stderr).toBe(
    "error INPUT_INVALID: --cleaning.max-gpa: is not a field of toy.movingAverage; did you mean --cleaning.max-gap?\n",
  );
});

test("counts everything that work throws after an interruption as interrupted", async () => {
  const controller = new AbortController();
  const run = fathom("toy wait", { signal: controller.signal });
  setImmediate(() => controller.abort());
  expect(await run).toEqual({
    status: 130,
    stdout: "",
    stderr: "error INTERRUPTED: toy wait: interrupted before it was done\n",
  });
});

test("writes help from the schema at every level", async () => {
  const root = (await fathom("--help")).stdout;
  expect(root).toMatch(/moving-average +Means of the last values/);
  expect((await fathom("")).stdout).toBe(root);
  expect((await fathom("help toy")).stdout).toBe((await fathom("toy --help")).stdout);
  const action = (await fathom("toy moving-average --help")).stdout;
  expect(action).toContain("fathom toy moving-average --data <text> [flags]");
  expect(action).toMatch(/--lookback <whole number> +how many values \(default 30, 2 to 500\)/);
  expect(action).toMatch(/--refit +fit again \(default true\)/);
  expect(action).toMatch(
    /--cleaning\.outliers <hampel \| iqr \| none>\s+rule for outliers \(default hampel\)/,
  );
  expect((await fathom("toy count -h")).stdout).toContain("fathom toy count [flags]");
});

test("takes a switch of every command as it was given, on or off", async () => {
  expect((await fathom("toy count --quiet=false --json=true")).stderr).toContain("counting");
  expect((await fathom("toy count --quiet true --json false")).stderr).toBe("");
  expect((await fathom("toy wrong --json=true")).stdout).toMatch(/^{"type":"urn:fathom:error:internal"/);
  expect((await fathom("toy count --help=true")).stdout).toContain("fathom toy count [flags]");
});

test("names what a common flag takes", async () => {
  const { stdout } = await fathom("--help");
  expect(stdout).toMatch(/--data-folder <path> +where models/);
  expect(stdout).toMatch(/--provider <cpu \| cuda \| webgpu>\s+what trains/);
});

test("names its version", async () => {
  expect((await fathom("--version")).stdout).toBe("1.2.3\n");
});

test("takes the field that a command names without its flag, and no second word", async () => {
  expect((await fathom("toy locate goog")).stderr).toContain("error ARTIFACT_MISSING: goog: ");
  expect((await fathom("toy locate --artifact goog")).stderr).toContain("error ARTIFACT_MISSING: goog: ");
  expect(await fathom("toy locate goog other")).toMatchObject({
    status: 2,
    stderr: expect.stringContaining("other"),
  });
  expect((await fathom("toy locate --help")).stdout).toContain("fathom toy locate <artifact> [flags]");
});
