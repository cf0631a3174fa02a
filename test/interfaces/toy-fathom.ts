/** `fathom` with the toys, as a process of its own: for what only a process can show (signals, pipes, exit statuses). */
import { main } from "../../src/interfaces/cli/main.ts";
import { jobsCapabilities } from "../../src/services/jobs/index.ts";
import { toys } from "./toys.ts";

await main({
  capabilities: [...toys, ...jobsCapabilities],
  jobModule: new URL("./toy-child.ts", import.meta.url),
});
