/** What a customer's compiler says of the declarations that are published, without `skipLibCheck`. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";

const root = path.resolve(import.meta.dirname, "..");
/** `fathom/platform` is left out: declarations of drizzle-orm name databases whose packages it does not bring. */
const entries = [
  "base",
  "engine",
  "data",
  "models",
  "services/forecast",
  "services/model",
  "services/portfolio",
];

test("compile strictly in a project of somebody else's", () => {
  const folder = mkdtempSync(path.join(root, "test/types-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const lines = entries.map(
    (entry, i) =>
      `import * as m${i} from "../../dist/${entry}/index.js";\nexport const k${i}: typeof m${i} = m${i};`,
  );
  const file = path.join(folder, "customer.ts");
  writeFileSync(file, lines.join("\n"));
  const flags =
    "--strict --target es2022 --module nodenext --moduleResolution nodenext --types node --noEmit --ignoreConfig";
  const compiler = path.join(root, "node_modules/typescript/bin/tsc");
  const { status, stdout } = spawnSync(process.execPath, [compiler, ...flags.split(" "), file], {
    cwd: root,
    encoding: "utf8",
  });
  expect(stdout).toBe("");
  expect(status).toBe(0);
});
