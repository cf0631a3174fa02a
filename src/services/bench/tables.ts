import type { EngineBenchOutput } from "./schema.ts";

/** One line per network, then where its time goes. */
export function engineTable({ productGflops, threads, rows }: EngineBenchOutput): string {
  const lines = [`float32 matrix product, n = 1024, ${threads} threads: ${productGflops.toFixed(0)} GFLOP/s`];
  for (const row of rows) {
    lines.push(
      "",
      `${row.model}, batch ${row.batch}, ${row.parameters} parameters, built in ${row.buildMilliseconds.toFixed(0)} ms`,
      `${row.milliseconds.toFixed(2)} ms a step, ${row.samplesPerSecond.toFixed(0)} samples/s, ${row.gflops.toFixed(1)} GFLOP/s (${(100 * row.shareOfProductRate).toFixed(0)} % of the product)`,
      ...row.operators.map(
        ({ operator, calls, microseconds, share }) =>
          `  ${operator.padEnd(20)} ${`${(100 * share).toFixed(1)} %`.padStart(7)} ${microseconds.toFixed(0).padStart(9)} us ${calls.toFixed(0).padStart(6)} calls`,
      ),
    );
  }
  return lines.join("\n");
}
