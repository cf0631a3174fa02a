// `npm run test:faults [-- --kills=50 --requests=100000 --seed=1 --only=text]`: the set-up, then every fault at full length.
// Everything is on loopback and cleaned up; the exit status says whether all promises held.
import path from "node:path";
import { pathToFileURL } from "node:url";
import { root, setUp } from "./setup.js";

const defaults = { kills: "50", requests: "100000", seed: "1", only: "" };
const options = { ...defaults };
for (const flag of process.argv.slice(2)) {
  const [, name, value] = /^--(\w+)=(.*)$/.exec(flag) ?? [];
  if (name === undefined || !(name in defaults) || (name !== "only" && !/^\d+$/.test(value))) {
    const known = Object.keys(defaults).map((one) => `--${one}=`);
    process.stderr.write(`error INPUT_INVALID: expected ${known.join(", ")}, received ${flag}\n`);
    process.exit(2);
  }
  options[name] = value;
}
await setUp();
process.chdir(root);
const { register } = await import("tsx/esm/api");
register();
const { main } = await import(pathToFileURL(path.join(root, "test", "faults", "main.ts")).href);
const { kills, requests, seed, only } = options;
const held = await main({ kills: Number(kills), requests: Number(requests), seed: Number(seed), only });
process.exit(held ? 0 : 1);
