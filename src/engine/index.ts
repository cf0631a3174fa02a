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
export { joinedPlaces } from "./index-ranges.ts";
export { filled, glorotUniform, heNormal, normalArray, orthogonal, uniformArray } from "./initialisers.ts";
export {
  type AttentionCache,
  type AttentionContext,
  type AttentionOptions,
  MultiHeadAttention,
  type StepPosition,
} from "./layers/attention.ts";
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
export { addSinusoids, LearnedPositions, rotate, rotateAt } from "./layers/positions.ts";
export { ascendingQuantiles, QuantileHead } from "./layers/quantile-head.ts";
export { Gru, Lstm, type RecurrentOptions, type RecurrentOutput, Rnn } from "./layers/recurrent.ts";
export { RecurrentStack, type RecurrentStackOptions } from "./layers/recurrent-stack.ts";
export { TemporalBlock, type TemporalBlockOptions } from "./layers/temporal-block.ts";
export {
  applyBlocks,
  FeedForward,
  saltsPerBlock,
  TransformerDecoderBlock,
  TransformerEncoderBlock,
  type TransformerOptions,
} from "./layers/transformer.ts";
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
export { describeOnnx, type OnnxNode } from "./onnx/describe.ts";
export { fuseAttention } from "./onnx/fuse-attention.ts";
export {
  type ImportedInput,
  type ImportedModel,
  type ImportOptions,
  importOnnx,
} from "./onnx/import/import.ts";
export { type ImportedOperator, type ImportRule, importRules } from "./onnx/import/rules.ts";
export { type LoadedOnnx, loadOnnx } from "./onnx/load.ts";
export { lookupsOf } from "./onnx/lookups.ts";
export {
  inferenceOpset,
  type ModelOptions,
  type StepsSpec,
  toOnnx,
  toOnnxSteps,
  trainingOpset,
} from "./onnx/model.ts";
export { writableOpsets } from "./onnx/operator-versions.ts";
export { type QuantizedModel, type QuantizeOptions, quantize } from "./onnx/quantise.ts";
export { type OnnxModel, type OnnxValue, readOnnx } from "./onnx/read.ts";
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
  type OperatorTime,
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
export { type DataType, type Dimension, formatShape, type Shape, sizeOf, type TensorType } from "./shape.ts";
export { type ArrayValue, constant, input, Parameter, parameter, Tensor, type TypedArray } from "./tensor.ts";
export { type DiagnoseOptions, diagnoseStep, firstNotFinite } from "./training/diagnose.ts";
export { type MinimiseOptions, type MinimiseResult, minimise } from "./training/minimise.ts";
export { graphNames } from "./training/names.ts";
export { learned, packedSize, packParameters, unpackParameters, viewsOf } from "./training/packing.ts";
export { profileTraining } from "./training/profile.ts";
export {
  type BatchTensors,
  compileTraining,
  type LoopPlan,
  type ShardPlan,
  type TrainingProgram,
  type TrainingSpec,
} from "./training/program.ts";
export { requireSamples } from "./training/require-samples.ts";
export { initialState, type StartOptions, type TrainingState } from "./training/state.ts";
export type { StepBatches, StepResults } from "./training/steps.ts";
export { startTraining, type Training } from "./training/training.ts";
export { verifyGraph } from "./verify.ts";
export { flopOf, threadsFor } from "./work.ts";
