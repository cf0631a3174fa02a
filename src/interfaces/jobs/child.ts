/** The module of the processes in which workers run jobs. */
import { constants, setPriority } from "node:os";
import { capabilities } from "../capabilities.ts";
import { serveRunner } from "./runner.ts";

// Whoever answers requests on this machine goes first; where nobody does, nothing is lost by it.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
serveRunner(capabilities);
