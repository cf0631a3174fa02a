/** How long it takes, and how much memory, to read, clean and window OHLCV rows from CSV. */
import { execFile } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { calendarDate, dayMs, keyFrom, normal } from "../../src/base/index.ts";

export interface DataRow {
  readonly rows: number;
  readonly seconds: number;
  /** Peak resident memory of the process that read, cleaned and windowed. */
  readonly peakMiB: number;
}

const barsPerSymbol = 5_000;

/** Measures 0.25, 1 and 4 million rows, each in a process of its own so that each has its own peak. */
export async function benchData(
  sizes: readonly number[] = [250_000, 1_000_000, 4_000_000],
): Promise<DataRow[]> {
  const folder = await mkdtemp(join(tmpdir(), "fathom-bench-"));
  const measured: DataRow[] = [];
  try {
    for (const rows of sizes) {
      const file = join(folder, `${rows}.csv`);
      await pipeline(Readable.from(csvOf(rows)), createWriteStream(file));
      const child = fileURLToPath(new URL("./rows-child.ts", import.meta.url));
      const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", child, file]);
      measured.push(JSON.parse(stdout) as DataRow);
      await rm(file);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return measured;
}

/** A random walk per symbol with true bars, 5,000 days each; one row in a thousand lacks its open. */
function* csvOf(rows: number): Generator<string> {
  yield "symbol,date,open,high,low,close,volume\n";
  const first = Date.UTC(2000, 0, 1);
  const dates = Array.from({ length: barsPerSymbol }, (_, day) => calendarDate(first + day * dayMs));
  for (let written = 0, symbol = 0; written < rows; written += barsPerSymbol, symbol++) {
    const steps = normal(keyFrom(symbol), barsPerSymbol * 3);
    const lines: string[] = [];
    let close = 100;
    for (let day = 0; day < Math.min(barsPerSymbol, rows - written); day++) {
      const open = close;
      close = open * Math.exp(0.01 * steps[3 * day]);
      const high = Math.max(open, close) * (1 + 0.003 * Math.abs(steps[3 * day + 1]));
      const low = Math.min(open, close) * (1 - 0.003 * Math.abs(steps[3 * day + 2]));
      const shown = day % 1000 === 999 ? "" : open.toFixed(4);
      lines.push(
        `S${symbol},${dates[day]},${shown},${high.toFixed(4)},${low.toFixed(4)},${close.toFixed(4)},${1_000_000 + day}`,
      );
    }
    yield `${lines.join("\n")}\n`;
  }
}
