/** Prices in, a judged and saved model out, forecasts from the newest bars: the forecast service as a library. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { forecastPredict, forecastTrain } from "fathom/forecast";
import { localContext } from "fathom/platform";

const folder = await mkdtemp(join(tmpdir(), "fathom-example-"));
const context = localContext({ dataFolder: folder });

// `data` may be a CSV, CSV.gz, Parquet or JSON file; here it is the built-in simulated market.
const data = { data: "simulated", symbols: ["FIN01", "TEC01", "ENE01"] };
const trained = await forecastTrain.run(
  forecastTrain.input.parse({
    ...data,
    horizon: [1, 5],
    model: "gru",
    hiddenSize: 8,
    epochs: 2,
    out: "example",
  }),
  context,
);
console.log(trained.summary);

const { forecasts } = await forecastPredict.run(
  forecastPredict.input.parse({ ...data, artifact: "example" }),
  context,
);
for (const { symbol, asOf, horizon, value, quantiles } of forecasts) {
  console.log(symbol, asOf, `+${horizon}`, value.toFixed(5), quantiles);
}
await rm(folder, { recursive: true });
