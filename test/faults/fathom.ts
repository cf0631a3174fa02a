/** `fathom` with the capabilities of the fault tests, as a process that can be killed. */
import { main } from "../../src/interfaces/cli/main.ts";
import { jobsCapabilities } from "../../src/services/jobs/index.ts";
import { toys } from "./toys.ts";

await main({
  capabilities: [...toys, ...jobsCapabilities],
  jobModule: new URL("./child.ts", import.meta.url),
});
