/** One market, several networks for series: each is trained and judged beside the naive and the linear forecast. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { forecastTrain } from "fathom/forecast";
import { architectures, type NetworkName } from "fathom/models";
import { localContext } from "fathom/platform";

const folder = await mkdtemp(join(tmpdir(), "fathom-example-"));
const context = localContext({ dataFolder: folder });
const names: NetworkName[] = ["gru", "tcn", "dlinear", "nhits", "patchTst"];

console.log(
  `${"network".padEnd(14)}${"parameters".padStart(11)}${"MSE".padStart(12)}${"naive".padStart(12)}${"linear".padStart(12)}`,
);
for (const model of names) {
  const asked = {
    data: "simulated",
    symbols: ["FIN01", "TEC01"],
    from: "2020-01-01",
    lookback: 24,
    model,
    hiddenSize: 16, // what a network does not have (dlinear: a hidden size) is left aside
    epochs: 3,
    quantiles: [],
    out: model,
  };
  const { parameters, test } = await forecastTrain.run(forecastTrain.input.parse(asked), context);
  const errors = [test.model.mse, test.naive.mse, test.linear.mse];
  const cells = errors.map((error) => error.toExponential(3).padStart(12));
  console.log(
    `${model.padEnd(14)}${String(parameters).padStart(11)}${cells.join("")}   ${architectures[model].paper}`,
  );
}
await rm(folder, { recursive: true });
