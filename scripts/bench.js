// `npm run bench -- NAME [--json] [--only=text] [--minutes=3]`: the set-up, then one benchmark. The peers of the engine benchmark
// live in bench/package.json and are installed here, on demand: they are no part of the product.
import path from "node:path";
import { pathToFileURL } from "node:url";
import { install, root, setUp } from "./setup.js";

const names = ["engine", "data", "serve", "endurance", "jobs", "growth", "portfolio"];
const usage = `npm run bench -- ${names.join("|")} [--json] [--only="part of a row's name"] [--minutes=of mixed load]`;
const [name, ...flags] = process.argv.slice(2);
const only = flags.find((flag) => flag.startsWith("--only="));
const minutes = flags.find((flag) => /^--minutes=\d+(\.\d+)?$/.test(flag));
const unknown = flags.filter((flag) => !["--json", only, minutes].includes(flag));
if (!names.includes(name) || unknown.length > 0) {
  const received = process.argv.slice(2).join(" ") || "nothing";
  process.stderr.write(`error INPUT_INVALID: expected ${usage}, received ${received}\n`);
  process.exit(2);
}
await setUp();
const bench = path.join(root, "bench");
if (name === "engine") await install(bench);
const { register } = await import("tsx/esm/api");
register();
const { main } = await import(pathToFileURL(path.join(bench, "main.ts")).href);
await main(name, {
  json: flags.includes("--json"),
  only: only === undefined ? "" : only.slice("--only=".length),
  minutes: minutes === undefined ? 3 : Number(minutes.slice("--minutes=".length)),
});
