/** What the package on the registry holds: whatever its pages link to, tell to run, or show. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";

const root = path.join(import.meta.dirname, "..");
const read = (file: string) => readFileSync(path.join(root, file), "utf8");

/** Paths inside the package; `dist/` is there once it was built. */
function packed(): ReadonlySet<string> {
  const npm = process.env["npm_execpath"]?.endsWith(".js") ? process.env["npm_execpath"] : undefined;
  const [program, prefix] = npm ? [process.execPath, [npm]] : ["npm", []];
  const flags = ["pack", "--dry-run", "--json", "--ignore-scripts", "--offline"];
  const { stdout, stderr, status } = spawnSync(program, [...prefix, ...flags], {
    cwd: root,
    encoding: "utf8",
    shell: npm === undefined && process.platform === "win32",
    maxBuffer: 2 ** 26,
  });
  expect(status, stderr).toBe(0);
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }];
  return new Set(files.map((file) => file.path));
}

const files = packed();
const pages = [...files].filter((file) => file.endsWith(".md"));
const isShipped = (file: string) =>
  files.has(file) || [...files].some((one) => one.startsWith(`${file.replace(/\/$/, "")}/`));
const missing = (page: string, links: readonly string[]) =>
  links.filter((link) => !isShipped(path.posix.join(path.posix.dirname(page), link)));

test("the package has pages, and examples", () => {
  expect(pages).toContain("docs/models.md");
  expect([...files].filter((file) => file.startsWith("examples/")).length).toBeGreaterThan(5);
});

describe.each(pages)("%s", (page) => {
  test("links to what is shipped with it", () => {
    const text = read(page);
    const links = [...text.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)].map(([, link]) => link);
    const pictures = [...text.matchAll(/(?:src|srcset|href)="(?!https?:|#)([^"#]+)"/g)].map(
      ([, link]) => link,
    );
    expect(missing(page, [...links, ...pictures])).toEqual([]);
  });

  test("shows only programs to run that are shipped with it", () => {
    const programs = [...read(page).matchAll(/(?:npx tsx|node) ((?:bin|examples|scripts)\/[\w./-]+)/g)];
    expect(programs.map(([, program]) => program).filter((program) => !isShipped(program))).toEqual([]);
  });
});

test("two entries share the names that docs/models.md tells apart, and no other", async () => {
  const { exports } = JSON.parse(read("package.json")) as { exports: Record<string, string> };
  const sources = Object.values(exports).filter((file) => file.endsWith("/index.js"));
  const entries = await Promise.all(
    sources.map(async (file) => {
      const source = path.join(root, file.replace("./dist/", "src/").replace(/\.js$/, ".ts"));
      return (await import(source)) as Record<string, unknown>;
    }),
  );
  const shared = new Set(
    entries.flatMap((entry, i) =>
      Object.keys(entry).filter((name) =>
        entries.slice(i + 1).some((other) => Object.hasOwn(other, name) && other[name] !== entry[name]),
      ),
    ),
  );
  const [, told] = /Names that two of them have:([\s\S]*?)\n\n/.exec(read("docs/models.md")) ?? [];
  expect([...shared].sort()).toEqual([...(told ?? "").matchAll(/`(\w+)`/g)].map(([, name]) => name).sort());
});

test.each([...files].filter((file) => /^examples\/.*\.ts$/.test(file)))(
  "%s reads nothing that is not shipped",
  (example) => {
    const text = read(example);
    const imported = [...text.matchAll(/from "([^"]+)"/g)].map(([, name]) => name);
    const offered = Object.keys(JSON.parse(read("package.json")).exports).map((name) =>
      name.replace(".", "fathom"),
    );
    expect(imported.filter((name) => !name.startsWith("node:") && !offered.includes(name))).toEqual([]);
    const beside = [...text.matchAll(/new URL\("([^"]+)", import\.meta\.url\)/g)].map(([, link]) => link);
    expect(missing(example, beside)).toEqual([]);
  },
);
