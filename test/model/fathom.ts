/** The command from its sources, so that a test of it needs no build. */
import { main } from "../../src/interfaces/cli/main.ts";

await main();
