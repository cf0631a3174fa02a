import type { Context } from "../../base/index.ts";
import { describeOnnx } from "../../engine/index.ts";
import { type Diagram, type DiagramBox, formatNumber, renderDiagram } from "../../report/index.ts";
import { type LayerGraph, layersOf } from "./layers.ts";
import { openModel } from "./open.ts";
import type { DescribeInput, DescribeOutput } from "./schema.ts";
import { writeWhole } from "./write.ts";

/** What a model is made of, as a table, and as a drawing when one is asked for. */
export async function describe(
  { artifact, file, sizes, svg }: DescribeInput,
  { models }: Context,
): Promise<DescribeOutput> {
  const { model, digest, manifest } = await openModel(artifact, file, models);
  const graph = layersOf(model, describeOnnx(model, { sizes }));
  const { source, opset, irVersion, producer, bytes } = model;
  if (svg !== undefined) {
    await writeWhole(svg, renderDiagram(diagramOf(artifact, graph)));
  }
  return {
    source,
    kind: manifest?.kind ?? "onnx",
    bytes: bytes.length,
    digest,
    opset,
    irVersion,
    producer,
    inputs: model.inputs.map((value) => ({ ...value, shape: value.shape && [...value.shape] })),
    outputs: model.outputs.map((value) => ({ ...value, shape: value.shape && [...value.shape] })),
    layers: graph.layers.map(({ learned: _, ...layer }) => layer),
    parameters: graph.layers.reduce((sum, layer) => sum + layer.parameters, 0),
    flop: graph.layers.reduce((sum, layer) => sum + (layer.flop ?? 0), 0),
    flopUnknown: graph.layers.filter(({ flop }) => flop === null).length,
    svg: svg ?? null,
  };
}

/** A box for each layer, input and output; an arrow for each value, with its shape. */
export function diagramOf(title: string, { layers, edges }: LayerGraph): Diagram {
  const sources = [...new Set(edges.map(({ from }) => from).filter((from) => typeof from === "string"))];
  const sinks = [...new Set(edges.map(({ to }) => to).filter((to) => typeof to === "string"))];
  const end = (name: string): DiagramBox => ({ title: name, role: "end" });
  const boxes: DiagramBox[] = [
    ...sources.map(end),
    ...layers.map(({ layer, kind, parameters, learned }): DiagramBox => {
      const counted = parameters > 0 ? `${kind} · ${formatNumber(parameters)}` : kind;
      return learned ? { title: layer, detail: counted, role: "strong" } : { title: kind, role: "plain" };
    }),
    ...sinks.map(end),
  ];
  const placeOf = (at: number | string, names: readonly string[], offset: number) =>
    typeof at === "number" ? sources.length + at : offset + names.indexOf(at);
  return {
    title,
    boxes,
    edges: edges.map(({ from, to, shape }) => {
      // A layer may hand several cuts of one result to its readers; the result itself says more.
      const label = typeof from === "number" ? layers[from].outputShape : shape;
      return {
        from: placeOf(from, sources, 0),
        to: placeOf(to, sinks, sources.length + layers.length),
        ...(label === null ? {} : { label }),
      };
    }),
  };
}
