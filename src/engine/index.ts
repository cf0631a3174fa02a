export {
  averagePool,
  type ConvOptions,
  conv,
  globalAveragePool,
  globalMaxPool,
  maxPool,
  type Padding,
  type PerAxis,
  type PoolOptions,
} from "./convolution.ts";
export { einsum } from "./einsum.ts";
export { evaluate } from "./evaluate.ts";
export { gradient } from "./gradient.ts";
export { type Graph, type GraphOptions, type NamedParameter, parametersOf, traceGraph } from "./graph.ts";
export { filled, glorotUniform, heNormal, normal, orthogonal, uniform } from "./initialisers.ts";
export { type AttentionContext, type AttentionOptions, MultiHeadAttention } from "./layers/attention.ts";
export { Conv1d, Conv2d, type ConvLayerOptions } from "./layers/convolution.ts";
export { Dropout } from "./layers/dropout.ts";
export { Embedding } from "./layers/embedding.ts";
export { InceptionBlock, type InceptionOptions } from "./layers/inception-block.ts";
export { type NormalizedWindow, ReversibleInstanceNorm } from "./layers/instance-norm.ts";
export { inference, type Layer, type Pass } from "./layers/layer.ts";
export { LayerNorm } from "./layers/layer-norm.ts";
export { Linear } from "./layers/linear.ts";
export {
  type Mixture,
  MixtureDensityHead,
  mixtureMean,
  mixtureNegativeLogLikelihood,
  sampleMixture,
} from "./layers/mixture-density-head.ts";
export { BatchNorm, GroupNorm, RmsNorm } from "./layers/norms.ts";
export { addSinusoids, LearnedPositions, rotate } from "./layers/positions.ts";
export { ascendingQuantiles, QuantileHead } from "./layers/quantile-head.ts";
export { Gru, Lstm, type RecurrentOptions, type RecurrentOutput, Rnn } from "./layers/recurrent.ts";
export { TemporalBlock, type TemporalBlockOptions } from "./layers/temporal-block.ts";
export {
  FeedForward,
  saltsPerBlock,
  TransformerDecoderBlock,
  TransformerEncoderBlock,
  type TransformerOptions,
} from "./layers/transformer.ts";
export {
  binaryCrossEntropy,
  categoricalCrossEntropy,
  huber,
  type Loss,
  meanAbsoluteError,
  meanSquaredError,
  pinball,
  weightedMean,
} from "./losses.ts";
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
  argMax,
  at,
  broadcastTo,
  cast,
  clip,
  concat,
  cos,
  cumulativeSum,
  div,
  elu,
  equal,
  erf,
  exp,
  flatten,
  flip,
  gather,
  gatherAlong,
  gelu,
  layerNormalize,
  leakyRelu,
  less,
  log,
  logSoftmax,
  logSumExp,
  matmul,
  max,
  maximum,
  mean,
  min,
  minimum,
  mul,
  neg,
  type Operand,
  oneHot,
  randomNormal,
  randomUniform,
  relu,
  reshape,
  reverseSequence,
  scaleGradient,
  scatterAdd,
  sigmoid,
  sign,
  silu,
  sin,
  slice,
  softmax,
  softplus,
  sort,
  split,
  sqrt,
  square,
  stopGradient,
  sub,
  sum,
  tanh,
  topK,
  transpose,
  variance,
  where,
} from "./operations.ts";
export {
  type AdamOptions,
  adam,
  adamW,
  clipByNorm,
  type Optimiser,
  rmsprop,
  sgd,
  type UpdateArguments,
} from "./optimisers.ts";
export { printGraph } from "./print.ts";
export {
  createRuntime,
  type Runtime,
  type RuntimeOptions,
  type Session,
  type TensorValue,
} from "./runtime/runtime.ts";
export { constantRate, cosineRate, type Schedule, stepRate } from "./schedules.ts";
export { type DataType, type Dimension, formatShape, type Shape, sizeOf, type TensorType } from "./shape.ts";
export { type ArrayValue, constant, input, Parameter, parameter, Tensor, type TypedArray } from "./tensor.ts";
export { packParameters, unpackParameters, viewsOf } from "./training/packing.ts";
export {
  type BatchTensors,
  compileTraining,
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
