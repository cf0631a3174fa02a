/** A failure is worth something only where whoever called hears of it. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";

const root = path.resolve(import.meta.dirname, "..");

test.each([
  ["npm test", ["scripts/test.js"]],
  ["vitest", ["node_modules/vitest/vitest.mjs", "run"]],
])("%s ends with a status of its own when a test fails, and with 0 when none does", (_, words) => {
  const folder = mkdtempSync(path.join(root, "test/status-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, "one.test.ts");
  const run = (expected: number) => {
    const body = `import { expect, test } from "vitest";\ntest("one", () => expect(1).toBe(${expected}));\n`;
    writeFileSync(file, body);
    const child = spawnSync(process.execPath, [...words, path.relative(root, file)], {
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, CI: "true" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    return { status: child.status, output: child.stdout + child.stderr };
  };
  const failed = run(2);
  expect(failed.status, failed.output).toBe(1);
  expect(failed.output).toMatch(/1 failed/);
  const passed = run(1);
  expect(passed.status, passed.output).toBe(0);
  expect(passed.output).toMatch(/1 passed/);
});
