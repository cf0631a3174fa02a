/** What a customer's compiler says of the declarations that are published, without `skipLibCheck`. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";

const root = path.resolve(import.meta.dirname, "..");
/** What `package.json` offers, by its place in `dist/`. */
const { exports } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8")) as {
  exports: Record<string, string>;
};
const entries = Object.values(exports).filter((file) => file.endsWith("/index.js"));

test("compile strictly in a project of somebody else's", () => {
  const folder = mkdtempSync(path.join(root, "test/types-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const lines = entries.map(
    (entry, i) => `import * as m${i} from "../../${entry}";\nexport const k${i}: typeof m${i} = m${i};`,
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

test("are those of every entry of the package", () => {
  expect(entries).toContain("./dist/platform/local/index.js");
  expect(entries).toHaveLength(Object.keys(exports).length - 1); // package.json is one of them
});
