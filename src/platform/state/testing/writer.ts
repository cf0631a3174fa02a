// A process of its own: inserts rows as fast as it can, and prints the number of each once the database has acknowledged it.
import { openState } from "../index.ts";

const [folder, name, limit = "Infinity"] = process.argv.slice(2);
const state = await openState({ folder, what: `writer ${name}` });
process.stdout.write("open\n");
for (let n = 0; n < Number(limit); n++) {
  await state.query("insert into written (writer, n) values ($1, $2)", [name, n]);
  process.stdout.write(`${n}\n`);
}
await state.close();
