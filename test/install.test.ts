import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { missingBuilds } from "../scripts/complete-lock.js";
import { isInstalled } from "../scripts/setup.js";

const root = path.join(import.meta.dirname, "..");
const read = (file: string) => readFileSync(path.join(root, file), "utf8");

describe.each(["package-lock.json", "bench/package-lock.json"])("%s", (file) => {
  const { packages } = JSON.parse(read(file));

  test("names the builds of every platform (else: node scripts/complete-lock.js)", () => {
    expect(missingBuilds(packages)).toEqual([]);
  });

  test("names no place to download from, so that the registry is the one of whoever installs", () => {
    const resolved = Object.entries<{ resolved?: string }>(packages).filter(([, entry]) => entry.resolved);
    expect(resolved).toEqual([]);
  });
});

test("finds the build that a lock file lacks, beside its package or above it", () => {
  const packages = {
    "node_modules/a": { optionalDependencies: { "a-linux-x64": "1.0.0", "a-darwin-arm64": "1.0.0" } },
    "node_modules/a-linux-x64": { optional: true },
    "node_modules/b/node_modules/a": {
      dev: true,
      optionalDependencies: { "a-linux-x64": "2.0.0", "c-x64": "3.0.0" },
    },
    "node_modules/b/node_modules/c-x64": { optional: true },
  };
  expect(missingBuilds(packages)).toEqual([{ name: "a-darwin-arm64", version: "1.0.0", dev: false }]);
});

test("runs no install script of a package", () => expect(read(".npmrc")).toMatch(/^ignore-scripts=true$/m));

test("sees that this installation is the one of the lock file", () => expect(isInstalled(root)).toBe(true));

// Built by one user and run by another, as in an image: a private dist/ would look as if it had not been built.
test.skipIf(process.platform === "win32" || !existsSync(path.join(root, "dist")))(
  "builds dist/ with the usual mode of a folder",
  () => {
    const closed = mkdtempSync(path.join(os.tmpdir(), "fathom-mode-"));
    mkdirSync(path.join(closed, "plain"));
    expect(statSync(path.join(root, "dist")).mode).toBe(statSync(path.join(closed, "plain")).mode);
    rmSync(closed, { recursive: true });
  },
);
