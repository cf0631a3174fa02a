/** Whatever a caller writes where a path is expected, nothing outside of the data folder is named. */
import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative, sep } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PlatformError } from "../../src/base/index.ts";
import { capabilities } from "../../src/interfaces/capabilities.ts";
import { confinePaths, outwardPaths } from "../../src/interfaces/http/paths.ts";
import { jsonSchemaOf } from "../../src/interfaces/schema.ts";

let folder: string;
let outside: string;
const capability = { paths: ["data", "inputs", "file"], artifacts: ["artifact", "nested.out"] };

beforeAll(async () => {
  const root = await realpath(await mkdtemp(join(tmpdir(), "fathom-paths-")));
  folder = join(root, "data");
  outside = join(root, "outside");
  for (const place of [folder, outside, join(folder, "models", "m"), join(folder, "deep", "er")])
    await mkdir(place, { recursive: true });
  await writeFile(join(outside, "secret.csv"), "secret");
  await writeFile(join(folder, "own.csv"), "own");
  await symlink(outside, join(folder, "link"));
  await symlink("../../outside", join(folder, "deep", "up"));
  await symlink("deep/up", join(folder, "twice"));
  await symlink(outside, join(folder, "models", "linked"));
  await symlink(join(outside, "later"), join(folder, "dangling"));
  await symlink("loop", join(folder, "loop"));
  await symlink("deep/er", join(folder, "inner"));
  await mkdir(`${folder}-evil`); // begins with the folder's own name
});
afterAll(() => rm(dirname(folder), { recursive: true, force: true }));

/** Words that have led out of folders somewhere: dots, roots, encodings, drives, shares, devices, homes, controls. */
const piece = fc.oneof(
  fc.constantFrom(
    ...[
      "..",
      ".",
      "",
      "link",
      "deep",
      "up",
      "twice",
      "models",
      "linked",
      "m",
      "dangling",
      "loop",
      "inner",
      "er",
    ],
    ...[
      "secret.csv",
      "own.csv",
      "outside",
      "data",
      "data-evil",
      "~",
      "~root",
      "-",
      "simulated",
      "etc",
      "passwd",
      "proc",
    ],
    ...[
      "%2e%2e",
      "%2f",
      "%252e%252e",
      "..%c0%af",
      "%00",
      "..;",
      "...",
      "....",
      ".. ",
      "..\t",
      "\u2024\u2024",
      "\uff0e\uff0e",
    ],
    ...[
      "C:",
      "c:\\windows",
      "\\\\server",
      "share",
      "..\\..",
      "con",
      "nul",
      "file:",
      "http:",
      "a\0b",
      "\0",
      "$HOME",
      "`id`",
      "*",
    ],
    "x".repeat(300),
    "\ud800",
  ),
  fc.string({ maxLength: 8 }),
);
const path = fc
  .tuple(
    fc.constantFrom("", "/", "//", "./", "../", "\\\\", "/proc/self/root/", "/dev/fd/"),
    fc.array(piece, { minLength: 1, maxLength: 7 }),
    fc.constantFrom("/", "//", "\\", "/./"),
  )
  .map(([start, pieces, separator]) => start + pieces.join(separator));

/** Where a path ends up when it is opened, as the system itself says; what is not there yet lies in its nearest folder. */
async function whereItLeads(place: string): Promise<string> {
  try {
    return await realpath(place);
  } catch {
    return dirname(place) === place ? place : whereItLeads(dirname(place));
  }
}
const isInside = (place: string) => place === folder || place.startsWith(folder + sep);

test("is inside, or refused by name", async () => {
  let [allowed, refused] = [0, 0];
  await fc.assert(
    fc.asyncProperty(path, fc.constantFrom("data", "artifact", "inputs", "nested"), async (text, field) => {
      const input =
        field === "nested" ? { nested: { out: text } } : { [field]: field === "inputs" ? [text] : text };
      let found: Record<string, unknown>;
      try {
        found = await confinePaths(capability, input, folder);
      } catch (error) {
        expect(error).toBeInstanceOf(PlatformError);
        expect(["FILE_FORBIDDEN", "INPUT_INVALID"]).toContain((error as PlatformError).code);
        refused++;
        return;
      }
      allowed++;
      const value = JSON.parse(JSON.stringify(found[field]));
      const place: string = field === "nested" ? value.out : [value].flat()[0];
      if (place === text) {
        // Left as it was: the built-in market, or a model's name, which is looked up below `models`.
        if (text === "simulated" && field !== "artifact") return;
        if (field === "artifact" || field === "nested") expect(text).not.toMatch(/[\\/]|^\./);
      }
      const real = await whereItLeads(place.startsWith("/") ? place : join(folder, "models", place));
      expect([text, isInside(real)]).toEqual([text, true]);
    }),
    { numRuns: 3_000 },
  );
  expect(allowed).toBeGreaterThan(300);
  expect(refused).toBeGreaterThan(300);
});

test("lets through what is inside, by whatever way", async () => {
  for (const text of [
    "own.csv",
    "deep/../own.csv",
    "inner/x.csv",
    "./deep//er/./y.csv",
    "new/folder/z.csv",
    join(folder, "own.csv"),
  ]) {
    const { data } = await confinePaths(capability, { data: text }, folder);
    expect([text, relative(folder, data).startsWith("..")]).toEqual([text, false]);
  }
  expect(await confinePaths(capability, { data: "simulated", artifact: "m" }, folder)).toEqual({
    data: "simulated",
    artifact: "m",
  });
});

test.each([
  "../outside/secret.csv",
  "link/secret.csv",
  "deep/up/secret.csv",
  "twice/secret.csv",
  "dangling",
  "dangling/x",
  "loop",
  "loop/x",
  "../data-evil/x",
  "/proc/self/root/etc/passwd",
  "/proc/self/cwd",
  "/dev/stdin",
  "\\\\server\\share\\x",
  "//server/share/x",
  "-",
  "a\0b",
  `${"../".repeat(40)}etc/passwd`,
  "x".repeat(5_000),
])("%j is refused", async (text) => {
  const fields = /[\\/]/.test(text) && text.length < 300 ? ["data", "artifact"] : ["data"]; // a plain word names a model
  for (const field of fields)
    await expect(confinePaths(capability, { [field]: text }, folder)).rejects.toMatchObject({
      code: "FILE_FORBIDDEN",
      details: { field },
    });
});

test.each([
  "keys/installation.pem",
  "./keys/installation.pem",
  "Keys/x.pem",
  "keys",
  "state",
  "state/database/PG_VERSION",
  "deep/../state/x",
  "artifacts/sha256/00",
  "checkpoints/run",
  "cache/ab/abcd",
  "./cache",
  "Cache/x",
  "shortcut/installation.pem",
])("%s is the server's own", async (path) => {
  await symlink("keys", join(folder, "shortcut")).catch(() => {});
  for (const field of ["data", "artifact"]) {
    if (field === "artifact" && !path.includes("/")) continue; // a plain word names a model
    await expect(confinePaths(capability, { [field]: path }, folder)).rejects.toMatchObject({
      code: "FILE_FORBIDDEN",
      details: { field },
      message: expect.stringContaining("which the server keeps for itself"),
    });
  }
});

test.each(capabilities)("$name neither reads nor writes the server's own folders", async (one) => {
  for (const field of [...one.paths, ...one.artifacts])
    await expect(confinePaths(one, { [field]: "cache/ab/abcd" }, folder)).rejects.toMatchObject({
      code: "FILE_FORBIDDEN",
      details: { field },
    });
});

test("a plain word is a model's name where a model is asked for, and a file of the data folder anywhere else", async () => {
  const asked = { file: "report", data: "report", artifact: "report", nested: { out: "report" } };
  expect(await confinePaths(capability, asked, folder)).toEqual({
    file: join(folder, "report"),
    data: join(folder, "report"),
    artifact: "report",
    nested: { out: "report" },
  });
});

test.each(capabilities)("$name says which of its fields are paths and which are models", async (one) => {
  const { properties = {} } = jsonSchemaOf(one.input);
  const named = Object.keys(properties).filter((field) =>
    ["data", "prices", "out", "artifact", "key", "svg", "inputs", "against"].includes(field),
  );
  const declared = [...one.paths, ...one.artifacts];
  expect(Object.keys(properties)).toEqual(expect.arrayContaining(declared));
  const others = { "model.describe": ["file"], "keys.revoke": ["key"], "keys.rotate": ["key"] }; // no paths
  expect(declared).toEqual(
    expect.arrayContaining(
      named.filter((field) => !(others as Record<string, string[]>)[one.name]?.includes(field)),
    ),
  );
  for (const field of declared) {
    const asked = await confinePaths(one, { [field]: "word" }, folder);
    expect(asked[field]).toBe(one.artifacts.includes(field) ? "word" : join(folder, "word"));
  }
});

/** What a server of the folder answers with. */
const outward = <Value>(value: Value, served: string[] = []) =>
  outwardPaths({ dataFolder: folder, served, capabilities: [] })(value);

test("what an answer names is the same place when a request names it", async () => {
  const inside = fc
    .array(fc.stringMatching(/^[a-z][a-z0-9 .,'()-]{0,12}[a-z0-9]$/), { minLength: 1, maxLength: 4 })
    .map((pieces) => join(folder, ...pieces));
  await fc.assert(
    fc.asyncProperty(inside, fc.constantFrom("data", "artifact"), async (place, field) => {
      const named = outward({ [field]: place })[field];
      expect(named).not.toContain(folder);
      const asked = (await confinePaths(capability, { [field]: named }, folder))[field];
      expect(asked).toBe(place);
    }),
    { numRuns: 500 },
  );
});

test.each([
  ["{}/models/m", "models/m"],
  ["{}/own.csv", "./own.csv"],
  ["{}/simulated", "./simulated"],
  ["{}", "."],
  ["{}-evil/x", "{}-evil/x"],
  ["{}.bak", "{}.bak"],
  ["/mnt{}/x", "/mnt{}/x"],
  ["absent: expected {}/absent, found {}", "absent: expected absent, found ."],
  ["{}/absent: expected a folder", "absent: expected a folder"],
  ["written to {}/a/b.html.", "written to a/b.html."],
  ["nothing is in {}.", "nothing is in .."],
  ['"{}/a b/c"', '"a b/c"'],
  ["a={}/x,b={}/y", "a=x,b=y"],
  ["file://{}/x", "file://x"],
  ["no path at all", "no path at all"],
])("%s leaves the server as %s", (text, wanted) => {
  const [given, expected] = [text, wanted].map((one) => one.replaceAll("{}", folder));
  expect(outward(given)).toBe(expected);
  expect(outward({ deep: [{ er: given }], number: 1, none: null, list: [1, 2] })).toEqual({
    deep: [{ er: expected }],
    number: 1,
    none: null,
    list: [1, 2],
  });
});

test("a data folder behind a link is kept quiet about, by the link and by where it leads", async () => {
  const link = join(outside, "linked-data");
  await symlink(folder, link);
  for (const dataFolder of [link, join(link, "not", "yet")]) {
    const throughLink = outwardPaths({ dataFolder, served: [], capabilities: [] });
    const real = dataFolder.replace(link, folder);
    for (const place of [dataFolder, real]) {
      expect(throughLink(join(place, "models", "m"))).toBe("models/m");
      expect(throughLink(join(place, "own.csv"))).toBe("./own.csv");
      expect(throughLink(`found ${place}`)).toBe("found .");
    }
  }
});

test("a served model that lies elsewhere is called by its name, and evidence stays as it was recorded", () => {
  const place = join(outside, "goog");
  expect(outward(`${place}/report.html`, [place])).toBe("goog/report.html");
  expect(outward(place, [place])).toBe("goog");
  expect(outward(join(folder, "models", "m"), [join(folder, "models", "m")])).toBe("models/m");
  const recording = outwardPaths({
    dataFolder: folder,
    served: [],
    capabilities: [{ name: "audit.list", isEvidence: true }],
  });
  const entry = { subject: join(folder, "models", "m"), hash: "00" };
  expect(recording(entry, "audit.list")).toEqual(entry);
  expect(recording(entry, "registry.show")).toEqual({ subject: "models/m", hash: "00" });
});
