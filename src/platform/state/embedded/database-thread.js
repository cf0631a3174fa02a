// The thread that owns the embedded database, and serves it on a socket. WebAssembly blocks the thread it runs on, so nothing else
// runs here; every process of the machine, the one of this thread too, is a client.

import { fsyncSync } from "node:fs";
import { chmod, rename, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { parentPort, workerData } from "node:worker_threads";
import { PGlite } from "@electric-sql/pglite";
import { NodeFS } from "@electric-sql/pglite/nodefs";
import { createMultiplexer } from "./multiplexer.js";
import { keepUp } from "./upkeep.js";
import { query, readAnswer } from "./wire.js";

/** PGlite's own file system writes to the system but never to the disk: a kill loses nothing, a power failure could. */
class DurableFiles extends NodeFS {
  async init(database, options) {
    const { emscriptenOpts } = await super.init(database, options);
    const install = (module) => {
      module.NODEFS.stream_ops.fsync = (stream) => {
        fsyncSync(stream.nfd);
        return 0;
      };
    };
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), install] } };
  }
}

/**
 * PGlite's own, without `-F`, which turns synchronisation off; of the two system calls only fsync reaches the files. Less memory for
 * pages than PGlite takes: the system keeps the files in its own, and 100 MB less have to be made ready at start.
 */
const parametersOfSession = [
  ...PGlite.defaultStartParams.filter((one) => one !== "-F"),
  "-c",
  "wal_sync_method=fsync",
  "-c",
  "shared_buffers=32MB",
];

async function open(folder) {
  return await PGlite.create({ fs: new DurableFiles(folder), startParams: parametersOfSession });
}

/** A database is made beside its place, and moved there when it is whole. */
async function make(folder) {
  const staging = `${folder}.new`;
  await rm(staging, { recursive: true, force: true });
  await (await PGlite.create(staging)).close();
  await rename(staging, folder);
}

const { folder, socket, isNew, idleInTransactionMs, upkeepMs } = workerData;
const place = join(folder, "database");
if (isNew) await make(place);
const database = await open(place);

const execute = async (bytes) => {
  const parts = [];
  // The bytes lie in memory that the next call uses again.
  await database.execProtocolRawStream(bytes, {
    syncToFs: false,
    onRawData: (data) => parts.push(Buffer.from(data)),
  });
  return parts.length === 1 ? parts[0] : Buffer.concat(parts);
};

const reported = [
  "server_version",
  "server_encoding",
  "client_encoding",
  "DateStyle",
  "IntervalStyle",
  "TimeZone",
];
const shown = reported.map((name) => `current_setting('${name}')`).join(", ");
const { rows } = readAnswer(await execute(query(`select ${shown}`)), { rows: true });
const parameters = {
  ...Object.fromEntries(reported.map((name, index) => [name, rows[0][index]])),
  integer_datetimes: "on",
  standard_conforming_strings: "on",
};

const multiplexer = createMultiplexer({
  execute,
  parameters,
  idleInTransactionMs,
  onFailure(error) {
    throw error; // ends this thread; whoever started it hears of it
  },
});

const server = createServer({ allowHalfOpen: true }, (client) => multiplexer.connect(client));
if (process.platform !== "win32") await rm(socket, { force: true });
await new Promise((listening, failed) => {
  server.once("error", failed);
  server.listen(socket, listening);
});
if (process.platform !== "win32") await chmod(socket, 0o600);

let upkeep = Promise.resolve();
const timer = setInterval(() => {
  upkeep = upkeep.then(() => keepUp(multiplexer.ask));
}, upkeepMs);

parentPort.on("message", async ({ patienceMs }) => {
  server.close();
  clearInterval(timer);
  await multiplexer.close({ patienceMs });
  await database.close();
  parentPort.close();
});
parentPort.postMessage({ ready: true });
