export { evaluate } from "./evaluate.ts";
export { gradient } from "./gradient.ts";
export { type Graph, type GraphOptions, type NamedParameter, parametersOf, traceGraph } from "./graph.ts";
export { filled, glorotUniform, heNormal, normal, orthogonal, uniform } from "./initialisers.ts";
export { Dropout } from "./layers/dropout.ts";
export { Embedding } from "./layers/embedding.ts";
export { inference, type Layer, type Pass } from "./layers/layer.ts";
export { LayerNorm } from "./layers/layer-norm.ts";
export { Linear } from "./layers/linear.ts";
export { Gru, Lstm, type RecurrentOptions, type RecurrentOutput, Rnn } from "./layers/recurrent.ts";
export { type LbfgsOptions, type LbfgsResult, lbfgs, type ValueAndGradient } from "./lbfgs.ts";
export {
  type BinaryOptions,
  balancedClassWeights,
  binaryCrossEntropy,
  type CategoricalOptions,
  categoricalCrossEntropy,
  focalLoss,
  huber,
  type Loss,
  meanAbsoluteError,
  meanSquaredError,
  mixedLoss,
  pinball,
  weightedBinaryCrossEntropy,
  weightedCategoricalCrossEntropy,
  weightedMean,
} from "./losses.ts";
export { type Mixup, mixup } from "./mixup.ts";
export {
  inferenceOpset,
  type LoopSpec,
  type ModelOptions,
  toOnnx,
  toOnnxLoop,
  trainingOpset,
} from "./onnx/model.ts";
export {
  abs,
  add,
  at,
  broadcastTo,
  cast,
  concat,
  div,
  equal,
  exp,
  flatten,
  gather,
  layerNormalize,
  less,
  log,
  logSoftmax,
  matmul,
  max,
  maximum,
  mean,
  minimum,
  mul,
  neg,
  type Operand,
  randomUniform,
  relu,
  reshape,
  sigmoid,
  sign,
  slice,
  softmax,
  softplus,
  split,
  sqrt,
  square,
  stopGradient,
  sub,
  sum,
  tanh,
  transpose,
  where,
} from "./operations.ts";
export {
  type AdamOptions,
  adagrad,
  adam,
  adamW,
  averageName,
  clipByNorm,
  type DecayFactor,
  decayMatrices,
  type LionOptions,
  lion,
  type Optimiser,
  rmsprop,
  sgd,
  type UpdateArguments,
  type WeightDecayOptions,
  withAverage,
} from "./optimisers.ts";
export { printGraph } from "./print.ts";
export {
  createRuntime,
  type Runtime,
  type RuntimeOptions,
  type Session,
  type TensorValue,
} from "./runtime/runtime.ts";
export {
  constantRate,
  cosineRate,
  oneCycleRate,
  type Plateau,
  reduceOnPlateau,
  type Schedule,
  stepRate,
} from "./schedules.ts";
export { type DataType, type Dimension, formatShape, type Shape, type TensorType } from "./shape.ts";
export { type ArrayValue, constant, input, Parameter, parameter, Tensor, type TypedArray } from "./tensor.ts";
export { type DiagnoseOptions, diagnoseStep, firstNotFinite } from "./training/diagnose.ts";
export { type MinimiseOptions, type MinimiseResult, minimise } from "./training/minimise.ts";
export { packParameters, unpackParameters, viewsOf } from "./training/packing.ts";
export {
  type BatchTensors,
  compileTraining,
  graphNames,
  type LoopPlan,
  type ShardPlan,
  type TrainingProgram,
  type TrainingSpec,
} from "./training/program.ts";
export {
  initialState,
  type StartOptions,
  type StepBatches,
  type StepResults,
  startTraining,
  type Training,
  type TrainingState,
} from "./training/training.ts";
export { verifyGraph } from "./verify.ts";
export { flopOf } from "./work.ts";
