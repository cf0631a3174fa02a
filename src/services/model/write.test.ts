import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { writeWhole } from "./write.ts";

const folder = mkdtempSync(join(tmpdir(), "fathom-write-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("replaces a file whole, and leaves nothing beside it", async () => {
  const path = join(folder, "drawing.svg");
  writeFileSync(path, "old");
  await writeWhole(path, "<svg/>");
  expect(readFileSync(path, "utf8")).toBe("<svg/>");
  expect(readdirSync(folder)).toEqual(["drawing.svg"]);
});

test("leaves nothing where it cannot write, and names the file", async () => {
  const path = join(folder, "none", "drawing.svg");
  await expect(writeWhole(path, "<svg/>")).rejects.toMatchObject({
    code: "WRITE_FAILED",
    message: expect.stringContaining(path),
  });
  mkdirSync(join(folder, "taken"));
  await expect(writeWhole(join(folder, "taken"), "x")).rejects.toMatchObject({ code: "WRITE_FAILED" });
  expect(readdirSync(folder).sort()).toEqual(["drawing.svg", "taken"]);
});
