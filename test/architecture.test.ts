import path from "node:path";
import { describe, expect, test } from "vitest";
import {
  ambientRules,
  brokenRules,
  cycles,
  exportRules,
  idleExceptions,
  layerRules,
} from "./support/house-rules.ts";
import { importsOf, readTree } from "./support/source.ts";

const source = readTree(path.join(import.meta.dirname, "../src"));

describe("the source", () => {
  test("is read", () => expect(Object.keys(source)).toContain("base/index.ts"));
  test("keeps the rules of the house", () => expect(brokenRules(source)).toEqual([]));
  test("needs every exception that it was granted", () => expect(idleExceptions(source)).toEqual([]));
});

describe("reading imports", () => {
  test.each([
    ['import { a } from "./a.ts";', false],
    ['import a, { type B } from "./a.ts";', false],
    ['import * as a from "./a.ts";', false],
    ['import "./a.ts";', false],
    ['export { a } from "./a.ts";', false],
    ['export * from "./a.ts";', false],
    ['const a = await import("./a.ts");', false],
    ['import {\n  type A,\n  b,\n} from "./a.ts";', false],
    ['import type { A } from "./a.ts";', true],
    ['import { type A, type B } from "./a.ts";', true],
    ['export type { A } from "./a.ts";', true],
  ])("finds %s", (text, typeOnly) => {
    expect(importsOf(`// first\n${text}`)).toEqual([{ specifier: "./a.ts", typeOnly, line: 2 }]);
  });

  test.each([
    ['// import "./a.ts";'],
    ['/* import { a } from "./a.ts"; */'],
    [`const text = 'import { a } from "./a.ts"';`],
    ['const text = `import "./a.ts"`;'],
    ['const quote = /"/; // import "./a.ts"'],
  ])("is not taken in by %s", (text) => expect(importsOf(text)).toEqual([]));
});

describe("the rules can fail:", () => {
  const importing = (specifier: string) => `import { x } from "${specifier}";\n`;

  test.each([
    ["models/fit.ts", "../data/index.ts", "models may not import data"],
    ["data/clean.ts", "../models/index.ts", "data may not import models"],
    ["base/time.ts", "../engine/index.ts", "base may not import engine"],
    ["services/risk/index.ts", "../../platform/local/index.ts", "services may not import platform"],
    ["platform/local/index.ts", "../../services/risk/index.ts", "platform may not import services"],
    ["interfaces/http/index.ts", "../../models/index.ts", "interfaces may not import models"],
    ["report/page.ts", "../data/index.ts", "report may not import data"],
    [
      "services/risk/index.ts",
      "../forecast/train.ts",
      "services/risk enters services/forecast past its index.ts",
    ],
    ["models/fit.ts", "../engine/graph.ts", "models enters engine past its index.ts"],
    [
      "interfaces/cli/main.ts",
      "../../platform/local/clock.ts",
      "interfaces enters platform/local past its index.ts",
    ],
    ["base/time.ts", "../../scripts/setup.js", "base reaches out of src/"],
  ])("%s importing %s", (file, specifier, sentence) => {
    expect(layerRules({ [file]: importing(specifier) })).toEqual([
      expect.stringContaining(`${file}:1: ${sentence}`),
    ]);
    const typed = importing(specifier).replace("import {", "import type {");
    expect(layerRules({ [file]: typed })).toHaveLength(1);
  });

  test("a folder that is no layer", () => {
    expect(layerRules({ "helpers/misc.ts": "" })).toEqual([
      expect.stringContaining('"helpers" is not a layer'),
    ]);
  });

  test.each([
    ["services/risk/index.ts", "../forecast/index.ts"],
    ["services/risk/index.ts", "./schema.ts"],
    ["interfaces/http/index.ts", "../../platform/local/index.ts"],
    ["interfaces/http/index.ts", "../cli/flags.ts"],
    ["engine/graph.ts", "node:fs"],
    ["models/fit.test.ts", "../engine/graph.ts"],
  ])("%s importing %s is allowed", (file, specifier) => {
    expect(layerRules({ [file]: importing(specifier) })).toEqual([]);
  });

  test("a cycle of files", () => {
    const tree = {
      "base/a.ts": importing("./b.ts"),
      "base/b.ts": importing("./c.ts"),
      "base/c.ts": importing("./a.ts"),
    };
    expect(cycles(tree)).toEqual([
      "base/a.ts:1: a cycle of imports: base/a.ts -> base/b.ts -> base/c.ts -> base/a.ts",
    ]);
    expect(cycles({ ...tree, "base/c.ts": 'import type { x } from "./a.ts";' })).toEqual([]);
  });

  test.each([
    "process.env.HOME",
    'process.env["HOME"]',
    "process.argv[2]",
    "Date.now()",
    "new Date()",
    "new Date( )",
    "new Date;",
    "performance.now()",
    "process.hrtime.bigint()",
    "Math.random()",
    "crypto.randomUUID()",
    "randomBytes(8)",
    'console.log("x")',
  ])("%s below interfaces", (code) => {
    expect(ambientRules({ "engine/graph.ts": `const x = ${code}` })).toHaveLength(1);
    expect(ambientRules({ "interfaces/cli/main.ts": `const x = ${code}` })).toEqual([]);
    expect(ambientRules({ "engine/graph.ts": `// ${code}\nconst text = ${JSON.stringify(code)};` })).toEqual(
      [],
    );
  });

  test.each(["new Date(time)", "Date.UTC(2024, 0, 1)", "process.cwd()"])("%s is allowed", (code) => {
    expect(ambientRules({ "engine/graph.ts": `const x = ${code};` })).toEqual([]);
  });

  test.each(['export * from "./a.ts";', 'export type * from "./a.ts";', "export default 1;"])(
    "%s",
    (code) => {
      expect(exportRules({ "base/index.ts": code })).toEqual([
        expect.stringContaining("list exports by name"),
      ]);
    },
  );
});
