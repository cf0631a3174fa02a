/** The module of the processes in which workers run jobs. */
import { capabilities } from "../capabilities.ts";
import { serveRunner } from "./runner.ts";

serveRunner(capabilities);
