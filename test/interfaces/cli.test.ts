/** The command line as scripts see it: words in, text and exit status out. */

import { availableParallelism } from "node:os";
import { describe, expect, test } from "vitest";
import { type Capability, keyFrom } from "../../src/base/index.ts";
import { configCommand } from "../../src/interfaces/cli/config.ts";
import { type CliOptions, runCli } from "../../src/interfaces/cli/run.ts";
import { localContext } from "../../src/platform/local/index.ts";
import { keysCapabilitiesOf } from "../../src/services/keys/index.ts";
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

test("computes with the threads that are named, else with all of them", async () => {
  const given: unknown[] = [];
  const makeContext: CliOptions["makeContext"] = (options) => {
    given.push(options.compute);
    return localContext({ ...options, key: keyFrom(1) });
  };
  await fathom("toy count --threads 3", { makeContext });
  await fathom("toy count", { makeContext, environment: { FATHOM_THREADS: "5" } });
  await fathom("toy count", { makeContext });
  const provider = "cpu";
  expect(given).toEqual([3, 5, availableParallelism()].map((threads) => ({ provider, threads })));
  const { stderr } = await fathom("toy count --threads 0");
  expect(stderr).toMatch(/^error INPUT_INVALID: --threads: expected .*received 0/);
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
    "error ARTIFACT_MISSING: nothing: expected the folder of a trained model, found nothing there; a registered model is named with its version, such as nothing@champion",
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

/** Reads from these files, and finds no others. */
const files = (contents: Record<string, string>) => ({
  readInput: async (path: string) => {
    if (Object.hasOwn(contents, path)) return contents[path];
    throw Object.assign(new Error("no such file"), { code: "ENOENT" });
  },
});

describe("the configuration", () => {
  const show = async (words: string, overrides: Partial<CliOptions> = {}) => {
    const { status, stdout, stderr } = await fathom(`config --json ${words}`, {
      commands: [configCommand],
      ...overrides,
    });
    return { ...JSON.parse(stdout), exitStatus: status, stderr };
  };

  test("is read from the file beside, the environment and flags, each over the one before", async () => {
    const { settings } = await show("--port 3", {
      ...files({ "fathom.config.json": '{"port": 1, "host": "::1", "provider": "webgpu"}' }),
      environment: { FATHOM_PORT: "2", FATHOM_HOST: "127.0.0.2" },
    });
    expect(settings.port).toEqual({ value: 3, from: "flag", place: "--port" });
    expect(settings.host).toEqual({ value: "127.0.0.2", from: "environment", place: "FATHOM_HOST" });
    expect(settings.provider).toEqual({ value: "webgpu", from: "file", place: "fathom.config.json" });
    expect(settings.keys).toEqual({ value: true, from: "default" });
  });

  test.each([
    ["--config mine.json", {}],
    ["", { FATHOM_CONFIG: "mine.json" }],
  ])("is read from another file with %j %j", async (words, environment) => {
    const { settings } = await show(words, { ...files({ "mine.json": '{"port": 7}' }), environment });
    expect(settings.port).toEqual({ value: 7, from: "file", place: "mine.json" });
  });

  test("is not shown beside a flag that means nothing", async () => {
    expect(await show("--port x --host 7 --body-limit-bytes 3")).toMatchObject({
      exitStatus: 2,
      code: "INPUT_INVALID",
      detail:
        '--port: expected a whole number, received "x"; --body-limit-bytes: expected a whole number of at least 1024, received 3',
    });
  });

  test("has to be there when it is named", async () => {
    for (const [words, environment] of [
      ["--config gone.json", {}],
      ["", { FATHOM_CONFIG: "gone.json" }],
      ["", { DATABASE_URL_FILE: "gone.json" }],
    ] as const)
      expect(await show(words, { ...files({}), environment })).toMatchObject({
        exitStatus: 3,
        detail: expect.stringMatching(
          /^(--config|FATHOM_CONFIG|DATABASE_URL_FILE): expected a file at gone.json, found none$/,
        ),
      });
  });

  test("takes a secret from a file, and shows it nowhere", async () => {
    const secret = files({ "/run/secrets/url": "postgres://fathom:hunter2@db/fathom\n" });
    const shown = await show("", { ...secret, environment: { DATABASE_URL_FILE: "/run/secrets/url" } });
    expect(shown.settings.databaseUrl.value).toBe("postgres://fathom:***@db/fathom");
    expect(JSON.stringify(shown)).not.toContain("hunter2");
    const both = { DATABASE_URL_FILE: "/run/secrets/url", DATABASE_URL: "postgres://a@b/c" };
    expect(await show("", { ...secret, environment: both })).toMatchObject({
      exitStatus: 2,
      code: "CONFIGURATION_INVALID",
      detail: "DATABASE_URL, DATABASE_URL_FILE: expected one of them, received both",
    });
  });

  test("stops every command when it is wrong, and reaches each when it is right", async () => {
    const wrong = await fathom("toy count", { environment: { FATHOM_PORT: "x", FATHOM_PROVIDER: "gpu" } });
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toMatch(/^error CONFIGURATION_INVALID: .*FATHOM_PROVIDER: .*FATHOM_PORT: /);
    let seen: object = {};
    await fathom("toy count", {
      ...files({ "fathom.config.json": '{"dataFolder": "elsewhere", "databaseUrl": "postgres://a@b/c"}' }),
      makeContext: (options) => {
        seen = options;
        return localContext({ dataFolder: options.dataFolder, signal: options.signal });
      },
    });
    expect(seen).toMatchObject({ dataFolder: "elsewhere", databaseUrl: "postgres://a@b/c" });
  });

  test("is laid under the flags of a command that has such fields", async () => {
    const received: object[] = [];
    const command = {
      name: "listen",
      summary: "",
      schema: { type: "object", properties: { port: { type: "integer" }, host: { type: "string" } } },
      run: async (input: object) => void received.push(input),
    };
    const environment = { FATHOM_PORT: "1", FATHOM_HOST: "::1", FATHOM_LOG_LEVEL: "warn" };
    await fathom("listen --port 2", { commands: [command], environment });
    expect(received).toEqual([{ port: 2, host: "::1" }]);
  });
});

test("a scope that is misspelt is named by its flag, with the nearest one and where all of them are", async () => {
  const all: readonly Capability[] = [...toys, ...keysCapabilitiesOf(() => all)];
  const create = (scopes: string) => fathom(`keys create --name x --scopes ${scopes}`, { capabilities: all });
  expect(await create("toy.coutn")).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(
      /^error INPUT_INVALID: --scopes: item 1: expected \*, read, or one of toy\.\S+.*, received "toy\.coutn"; did you mean "toy\.count"\? \(docs\/operations\.md#keys lists all\)$/m,
    ),
  });
  expect((await create("read,wrong")).stderr).toMatch(
    /--scopes: item 2: expected \*, read, or one of toy\.\*.*, received "wrong" \(docs\/operations/,
  );
});
