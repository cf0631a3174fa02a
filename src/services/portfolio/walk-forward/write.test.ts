import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeFolder } from "./write.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fathom-report-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const report = (...names: string[]) => names.map((name) => ({ name, content: `of ${name}` }));
const shown = () => readdirSync(folder).filter((name) => !name.startsWith("."));

test("leaves nothing of an earlier report, and everything of others", async () => {
  writeFileSync(join(folder, "notes.txt"), "mine");
  writeFileSync(join(folder, "weights-mine.svg"), "mine");
  expect(await writeFolder(folder, report("report.html", "weights-hrp.svg", "weights-nco.svg"))).toEqual([
    join(folder, "report.html"),
    join(folder, "weights-hrp.svg"),
    join(folder, "weights-nco.svg"),
  ]);
  writeFileSync(join(folder, "weights-nco.svg"), "coloured by hand");
  await writeFolder(folder, report("report.html", "weights-herc.svg"));
  expect(shown()).toEqual([
    "notes.txt",
    "report.html",
    "weights-herc.svg",
    "weights-mine.svg",
    "weights-nco.svg",
  ]);
  expect(readFileSync(join(folder, "weights-nco.svg"), "utf8")).toBe("coloured by hand");
  expect(readFileSync(join(folder, "report.html"), "utf8")).toBe("of report.html");
  await writeFolder(folder, report("report.html"));
  expect(shown()).toEqual(["notes.txt", "report.html", "weights-mine.svg", "weights-nco.svg"]);
});

test("removes nothing outside of its folder, whatever a list says", async () => {
  const inner = join(folder, "inner");
  mkdirSync(join(inner, "sub"), { recursive: true });
  const names = ["../outside.txt", "sub/file.txt", "sub"];
  for (const name of names.slice(0, 2)) writeFileSync(join(inner, name), "x");
  const digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"; // of x
  writeFileSync(
    join(inner, ".fathom-report.json"),
    JSON.stringify(Object.fromEntries(names.map((name) => [name, digest]))),
  );
  await writeFolder(inner, report("report.html"));
  for (const name of names.slice(0, 2)) expect(readFileSync(join(inner, name), "utf8")).toBe("x");
  writeFileSync(join(inner, ".fathom-report.json"), "no list");
  await writeFolder(inner, report("report.html"));
  expect(readdirSync(inner)).toEqual([".fathom-report.json", "report.html", "sub"]);
});
