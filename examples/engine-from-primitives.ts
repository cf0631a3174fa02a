/** A network from the primitives alone: what is traced, what its gradient looks like, and a training step written by hand. */
import { keyFrom } from "fathom/base";
import {
  add,
  constant,
  createRuntime,
  evaluate,
  gradient,
  input,
  matmul,
  mean,
  mul,
  normalArray,
  parameter,
  parametersOf,
  printGraph,
  square,
  sub,
  type Tensor,
  tanh,
  toOnnx,
  traceGraph,
} from "fathom/engine";

// 1. Parameters are arrays with a place in a tree; a model is a function of tensors.
const model = {
  hidden: parameter(normalArray(keyFrom(1), [2, 8], 1)),
  output: parameter(normalArray(keyFrom(2), [8, 1], 1)),
};
const apply = (x: Tensor) => matmul(tanh(matmul(x, model.hidden)), model.output);

// 2. Tracing computes nothing. A tensor knows its type and the node that will make it.
const x = input("x", [4, 2]);
const y = input("y", [4, 1]);
const loss = mean(square(sub(apply(x), y)));
console.log(printGraph(traceGraph({ loss }), parametersOf(model)));

// 3. The gradient is more of the same graph, so that it can be printed, joined with an update, and run in one piece.
const [dHidden, dOutput] = gradient(loss, [model.hidden, model.output]);
const next = {
  hidden: sub(model.hidden, mul(dHidden, 0.3)),
  output: sub(model.output, mul(dOutput, 0.3)),
};
console.log(printGraph(traceGraph({ dOutput }), parametersOf(model)));

// 4. One ONNX model holds forward pass, backward pass and update; each run takes the parameters one step further.
const names = new Map(parametersOf(model).map(({ parameter: p, name }) => [p, name]));
const fed = new Map(parametersOf(model).map(({ parameter: p, name }) => [p, input(name, p.shape)]));
const step = traceGraph({ loss, next_hidden: next.hidden, next_output: next.output }, { replace: fed });
const runtime = createRuntime({ threads: 1 });
const session = await runtime.load(toOnnx(step));
const float = (shape: number[], data: number[] | Float32Array) =>
  ({ dtype: "float32", shape, data: Float32Array.from(data) }) as const;
for (const [p, name] of names) await runtime.put(name, float([...p.shape] as number[], p.value));
await runtime.put("x", float([4, 2], [0, 0, 0, 1, 1, 0, 1, 1]));
await runtime.put("y", float([4, 1], [0, 1, 1, 0])); // exclusive or
const losses: number[] = [];
for (let i = 0; i < 2000; i++) {
  const { outputs } = await session.run({
    feeds: { x: "x", y: "y", hidden: "hidden", output: "output" },
    keep: { next_hidden: "hidden", next_output: "output" },
    fetch: ["loss"],
  });
  losses.push(outputs.loss.data[0] as number);
}
const learnt = losses[1999] < 0.01;
console.log(`loss ${losses[0].toFixed(3)} at first; below 0.01 after 2000 steps: ${learnt}`);
if (!learnt) throw new Error("the network did not learn exclusive or");

// 5. Anything can be computed at once, for a look.
const [three] = await evaluate([add(constant(1), 2)], {}, runtime);
console.log(`1 + 2 = ${three.data[0]}`);
await runtime.close();
