/** What `fathom backup` and `fathom restore` refuse, and that they leave nothing behind then. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";

const folder = mkdtempSync(path.join(tmpdir(), "fathom-backup-command-"));
afterAll(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

function fathom(...words: string[]) {
  const program = path.join(import.meta.dirname, "model/fathom.ts");
  const environment = Object.entries(process.env).filter(([name]) => !/^(FATHOM_|DATABASE_URL)/.test(name));
  const { status, stderr } = spawnSync(
    process.execPath,
    ["--import", import.meta.resolve("tsx"), program, ...words],
    { cwd: folder, encoding: "utf8", env: Object.fromEntries(environment) },
  );
  return { status, stderr };
}

test("a refused restore leaves no new data folder", { timeout: 60_000 }, () => {
  writeFileSync(path.join(folder, "broken.tar.gz"), "no backup");
  const { status, stderr } = fathom("restore", "--from", "broken.tar.gz", "--data-folder", "new/data");
  expect(status).toBe(4);
  expect(stderr).toMatch(/^error BACKUP_BROKEN: .*broken\.tar\.gz: .*nothing was changed$/m);
  expect(existsSync(path.join(folder, "new"))).toBe(false);
});

test("a backup takes the place of no other file", { timeout: 120_000 }, () => {
  const file = path.join(folder, "keepme.txt");
  writeFileSync(file, "mine");
  for (const flags of [[], ["--replace"]]) {
    const { status, stderr } = fathom("backup", "--out", "keepme.txt", "--data-folder", "data", ...flags);
    expect(status).toBe(4);
    expect(stderr).toMatch(/^error BACKUP_REFUSED: .*keepme\.txt: expected no file of that name, found /m);
    expect(readFileSync(file, "utf8")).toBe("mine");
  }
  expect(readdirSync(folder)).not.toContain("keepme.txt.part");
  expect(existsSync(path.join(folder, "data"))).toBe(false); // no database was opened for it
});
