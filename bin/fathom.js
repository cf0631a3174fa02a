#!/usr/bin/env node
import { existsSync } from "node:fs";

const main = new URL("../dist/interfaces/cli/main.js", import.meta.url);
if (existsSync(main)) {
  await (await import(main.href)).main();
} else {
  process.stderr.write("error NOT_BUILT: fathom was not built yet: run `npm run build` first\n");
  process.exitCode = 5;
}
