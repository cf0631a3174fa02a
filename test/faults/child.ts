/** The processes in which the workers of `fathom.ts` run jobs. */
import { serveRunner } from "../../src/interfaces/jobs/runner.ts";
import { toys } from "./toys.ts";

serveRunner(toys);
