/** The processes in which workers of `toy-fathom.ts` run jobs. */
import { serveRunner } from "../../src/interfaces/jobs/runner.ts";
import { toys } from "./toys.ts";

serveRunner(toys);
