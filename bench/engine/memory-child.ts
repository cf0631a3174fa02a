/** A training process of its own for one row of the work list: five steps, then its peak memory in MiB on standard output. */
import { prepare } from "./fathom.ts";
import { workList } from "./work.ts";

const work = workList.find(({ name }) => name === process.argv[2]);
if (!work) throw new Error(`expected the name of a row of the work list, received ${process.argv[2]}`);
const prepared = await prepare(work);
await prepared.step(5);
await prepared.close();
process.stdout.write(`${process.resourceUsage().maxRSS / 1024}\n`);
