/** What the capabilities of this service print for people. */
import { formatNumber, textTable } from "../../report/index.ts";
import type { DescribeOutput, QuantizeOutput } from "./schema.ts";

/** The layers of a model, a line each, then its totals. */
export function layerTable(output: DescribeOutput): string {
  const { layers, inputs, outputs } = output;
  const unknown = output.flopUnknown > 0 ? ` and that of ${output.flopUnknown} layers unknown` : "";
  const values = (list: DescribeOutput["inputs"]) =>
    list
      .map(({ name, elementType, shape }) => `${name}: ${elementType}${shape ? `[${shape.join(", ")}]` : ""}`)
      .join(", ");
  return [
    textTable(
      ["layer", "kind", "output shape", "parameters", "FLOP per sample"],
      [
        ...layers.map(({ layer, kind, outputShape, parameters, flop }) => [
          layer,
          kind,
          outputShape ?? "?",
          formatNumber(parameters),
          flop === null ? "?" : formatNumber(flop),
        ]),
        ["total", "", "", formatNumber(output.parameters), `${formatNumber(output.flop)}${unknown}`],
      ],
      3,
    ),
    "",
    `inputs    ${values(inputs)}`,
    `outputs   ${values(outputs)}`,
    `file      ${output.source}, ${formatNumber(output.bytes)} bytes, ${output.kind}, ONNX operator set ${output.opset}${output.producer ? `, written by ${output.producer}` : ""}`,
    `digest    ${output.digest}`,
    ...(output.svg === null ? [] : [`drawing   ${output.svg}`]),
  ].join("\n");
}

/** What quantising saved, and what it cost. */
export function quantizationTable(output: QuantizeOutput): string {
  const { bytes, outputs, errors, quantized, kept } = output;
  return [
    textTable(
      ["", "float", "quantised", "RMS difference", "largest difference"],
      [
        [
          "file, bytes",
          formatNumber(bytes.float),
          `${formatNumber(bytes.quantized)} (${formatNumber((100 * bytes.quantized) / bytes.float, 0)} %)`,
          "",
          "",
        ],
        ...outputs.map(({ name, rootMeanSquare, rootMeanSquareDifference, maximumDifference }) => [
          `${name}, RMS`,
          formatNumber(rootMeanSquare.float),
          formatNumber(rootMeanSquare.quantized),
          formatNumber(rootMeanSquareDifference),
          formatNumber(maximumDifference),
        ]),
      ],
      1,
    ),
    "",
    ...(errors === null
      ? []
      : [
          textTable(
            ["RMSE of the forecast", "float", "quantised", "naive forecast"],
            errors.map(({ horizon, float, quantized: small, naive }) => [
              `at horizon ${horizon}`,
              formatNumber(float, 6),
              formatNumber(small, 6),
              formatNumber(naive, 6),
            ]),
            1,
          ),
          "",
        ]),
    `quantised ${quantized.length === 0 ? "nothing" : quantized.join(", ")}`,
    ...kept.map((one) => `kept      ${one}`),
    `measured  on ${output.samples} samples ${output.data}`,
    `model     ${output.out}`,
  ].join("\n");
}
