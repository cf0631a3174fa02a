// ONNX Runtime's session as its native part offers it. The package's own `run` hands the thread to the event loop and back and checks
// every name again, which is a third of the time of a small network; nothing else waits for a worker's thread, and graphs are checked
// when they are made. The version of the package is fixed in package.json, and test/runtime.test.ts would say if this part changed.
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { Tensor } = require("onnxruntime-node");
const { binding, initOrt } = require("onnxruntime-node/dist/binding.js");

export { Tensor };

/** Loads a model. Blocks the thread, as everything here does. */
export function loadSession(model, options) {
  initOrt();
  const session = new binding.InferenceSession();
  session.loadModel(model.buffer, model.byteOffset, model.byteLength, options);
  return {
    /**
     * Runs the graph.
     *
     * @param feeds tensors by input name
     * @param fetches by output name the tensor to write into, or null for a fresh one
     */
    run: (feeds, fetches) => session.run(feeds, fetches, {}),
    endProfiling: () => session.endProfiling(),
    release: () => session.dispose(),
  };
}
