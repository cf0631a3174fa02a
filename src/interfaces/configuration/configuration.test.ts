import { describe, expect, test } from "vitest";
import { PlatformError } from "../../base/index.ts";
import {
  configurationDocument,
  configurationTable,
  resolveConfiguration,
  Settings,
  settingSchemas,
  variableOf,
  variablesOf,
} from "./index.ts";

const file = (settings: object) => ({ name: "fathom.config.json", text: JSON.stringify(settings) });

test("takes flags over the environment over the file over defaults, and says where each came from", () => {
  const { values, given, settings } = resolveConfiguration({
    file: file({ port: 1, host: "0.0.0.0", burstSeconds: 4 }),
    environment: { FATHOM_PORT: "2", FATHOM_BURST_SECONDS: "3" },
    flags: { port: 3 },
  });
  expect(values).toMatchObject({ port: 3, host: "0.0.0.0", burstSeconds: 3, failedAttemptsPerMinute: 30 });
  expect(given).toEqual({ port: 3, host: "0.0.0.0", burstSeconds: 3 });
  const origin = (name: string) => {
    const found = settings.find((one) => one.name === name);
    return [found?.value, found?.from, found?.place];
  };
  expect(origin("port")).toEqual([3, "flag", "--port"]);
  expect(origin("burstSeconds")).toEqual([3, "environment", "FATHOM_BURST_SECONDS"]);
  expect(origin("host")).toEqual(["0.0.0.0", "file", "fathom.config.json"]);
  expect(origin("failedAttemptsPerMinute")).toEqual([30, "default", ""]);
});

test("reads numbers, switches and lists from text, and takes an empty variable for none", () => {
  const { values } = resolveConfiguration({
    environment: {
      FATHOM_KEYS: "0",
      FATHOM_DEBUG: "1",
      FATHOM_TRUSTED_PROXIES: "10.0.0.1,10.1.0.0/16",
      FATHOM_ANSWER_TIMEOUT_SECONDS: "2.5",
      FATHOM_PROVIDER: "",
      FATHOM_REQUESTS_PER_SECOND: "0",
    },
  });
  expect(values).toMatchObject({
    keys: false,
    debug: true,
    trustedProxies: ["10.0.0.1", "10.1.0.0/16"],
    answerTimeoutSeconds: 2.5,
    provider: "cpu",
    requestsPerSecond: 0,
  });
});

test("reads PORT and DATABASE_URL as platforms set them, and ours before them", () => {
  const environment = { PORT: "5000", DATABASE_URL: "postgres://a@b/c" };
  expect(resolveConfiguration({ environment }).values).toMatchObject({
    port: 5000,
    databaseUrl: "postgres://a@b/c",
  });
  const both = resolveConfiguration({ environment: { ...environment, FATHOM_PORT: "6000" } });
  expect(both.settings.find(({ name }) => name === "port")).toMatchObject({
    value: 6000,
    place: "FATHOM_PORT",
  });
});

test("lists every mistake of every source at once, each with its place", () => {
  const failure = (sources: Parameters<typeof resolveConfiguration>[0]) => {
    try {
      resolveConfiguration(sources);
    } catch (error) {
      return error as PlatformError;
    }
    throw new Error("nothing was refused");
  };
  const error = failure({
    file: file({ prot: 1, failedAttemptsPerMinute: 0, host: 7 }),
    environment: {
      FATHOM_PORT: "99999",
      FATHOM_LOG_LEVEL: "inf",
      FATHOM_KEYS: "maybe",
      DATABASE_URL: "mysql://root:hunter2@db",
    },
    flags: { headerLimitBytes: -1 },
  });
  expect(error.code).toBe("CONFIGURATION_INVALID");
  const lines = error.message.split("; ");
  for (const line of [
    "fathom.config.json, prot: is not a setting",
    "did you mean port?",
    "fathom.config.json, failedAttemptsPerMinute: expected a whole number of at least 1, received 0",
    "fathom.config.json, host: expected text, received 7",
    "FATHOM_PORT: expected a whole number of at most 65535, received 99999",
    'FATHOM_LOG_LEVEL: expected one of "silent", "error", "warn", "info" or "debug", received "inf"',
    'did you mean "info"?',
    'FATHOM_KEYS: expected true or false, received "maybe"',
    "DATABASE_URL: expected an address such as postgres://user:password@host:5432/database, received ***",
    "--header-limit-bytes: expected a whole number of at least 1024, received -1",
  ])
    expect(lines).toContain(line);
  expect(lines).toHaveLength(10);
  expect(error.message).not.toContain("hunter2");
});

test.each([
  ["{port: 1}", "fathom.config.json: expected JSON, received "],
  ["", "fathom.config.json: expected JSON, received an empty file"],
  ["[1]", "fathom.config.json: expected a JSON object of settings, received [1]"],
])("refuses the file %j", (text, message) => {
  const read = () => resolveConfiguration({ file: { name: "fathom.config.json", text }, environment: {} });
  expect(read).toThrow(PlatformError);
  expect(read).toThrow(message);
});

test("leaves what is wrong with flags alone to the command that has them", () => {
  expect(resolveConfiguration({ environment: {}, flags: { port: "abc" } }).given).toEqual({});
});

test("warns of variables that look like ours and are none", () => {
  const { warnings } = resolveConfiguration({
    environment: {
      FATHOM_DATA_FODLER: "x",
      FATHOM_SHARED: "y",
      FATHOM_CONFIG: "z",
      FATHOM_NOTHING_LIKE_IT: "1",
    },
  });
  expect(warnings).toEqual([
    "FATHOM_DATA_FODLER is set, and is not a variable of Fathom; did you mean FATHOM_DATA_FOLDER?",
    "FATHOM_NOTHING_LIKE_IT is set, and is not a variable of Fathom",
  ]);
});

test("explains the variable that Kubernetes sets for a service named fathom", () => {
  expect(() => resolveConfiguration({ environment: { FATHOM_PORT: "tcp://10.0.0.1:8080" } })).toThrow(
    /received "tcp:\/\/10\.0\.0\.1:8080"; Kubernetes sets it .* enableServiceLinks: false$/,
  );
});

describe("what is shown", () => {
  const configuration = resolveConfiguration({
    environment: {
      DATABASE_URL: "postgres://fathom:hunter2@db:5432/fathom?sslmode=require&sslpassword=swordfish",
    },
    flags: { port: 9000 },
  });
  test("hides secrets in text and in JSON", () => {
    const shown = [configurationTable(configuration), JSON.stringify(configurationDocument(configuration))];
    for (const text of shown) {
      expect(text).not.toMatch(/hunter2|swordfish/);
      expect(text).toContain("postgres://fathom:***@db:5432/fathom?sslmode=require");
    }
    expect(configurationTable(configuration)).toMatch(/^port +9000 +flag --port$/m);
    expect(configurationTable(configuration)).toMatch(/^artifact +not set +default$/m);
  });
  test("has every setting", () => {
    expect(Object.keys(configurationDocument(configuration).settings)).toEqual(Object.keys(Settings.shape));
  });
});

test("gives every setting a description and a variable of its own", () => {
  const names = Object.keys(settingSchemas);
  for (const name of names) expect(settingSchemas[name].description, name).toMatch(/\w/);
  const all = names.flatMap(variablesOf);
  expect(new Set(all).size).toBe(all.length);
  expect(variableOf("dataFolder")).toBe("FATHOM_DATA_FOLDER");
});
