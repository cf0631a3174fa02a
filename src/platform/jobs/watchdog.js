// A thread of a process that runs jobs. It ends the process at once when the supervisor's end of the pipe closes, which the
// system does however the supervisor died, or when a lease was not renewed in time. The main thread may be too busy to do so.
import { Socket } from "node:net";
import { workerData } from "node:worker_threads";

const { descriptor, leaseMs } = workerData;
let renewedMs = Number.POSITIVE_INFINITY;
const endNow = () => process.kill(process.pid, "SIGKILL");

new Socket({ fd: descriptor, readable: true, writable: false })
  .on("data", (bytes) => {
    renewedMs = bytes[bytes.length - 1] === 1 ? performance.now() : Number.POSITIVE_INFINITY;
  })
  .on("end", endNow)
  .on("error", endNow);
setInterval(() => {
  if (performance.now() - renewedMs > leaseMs) endNow();
}, 100);
