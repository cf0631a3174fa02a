// `npm start`: the set-up, then `fathom start` with the given arguments.
//
// The command runs in this process rather than in a child, so that there is nobody to forward a signal or an exit status
// to, and nothing that could outlive us; we ourselves end with the npm that ran us. Under npm a Ctrl-C arrives twice: from
// the terminal and once more from npm.
import path from "node:path";
import { pathToFileURL } from "node:url";
import { endWithNpm } from "./parent.js";
import { root, setUp } from "./setup.js";

endWithNpm();
await setUp();
const command = path.join(root, "bin", "fathom.js");
const words = process.argv.slice(2);
// Whoever tries Fathom out on their own machine has no key yet. Without keys the server listens to this machine only and
// answers no web page but its own; whoever says anything about host or keys decides for themselves.
const decided =
  words.some((word) => /^--(no-)?keys\b|^--host\b|^--once\b/.test(word)) ||
  ["FATHOM_KEYS", "FATHOM_HOST"].some((name) => process.env[name]);
process.argv = [process.argv[0], command, "start", ...words, ...(decided ? [] : ["--no-keys"])];
await import(pathToFileURL(command).href);
