/** English text of the inference endpoints, in one place so that it can be translated. */
const shown = (shape: readonly number[]) => `[${shape.join(", ")}]`;

export const messages = {
  endOfBody: "the end of the body",
  endOfText: "the end of a text",
  notAt: (at: number, expected: string, found: string) =>
    `body, byte ${at}: expected ${expected}, received ${found}`,
  tooFewValues: (size: number, shape: readonly number[]) =>
    `data: expected ${size} values for shape ${shown(shape)}, received a body that cannot hold as many`,
  tooManyValues: (size: number, shape: readonly number[]) =>
    `data: expected ${size} values for shape ${shown(shape)}, received more`,
  otherCount: (size: number, shape: readonly number[], received: number) =>
    `data: expected ${size} values for shape ${shown(shape)}, received ${received}`,
  nestedTooDeep: (shape: readonly number[]) =>
    `data: expected lists nested as the shape ${shown(shape)} or one flat list, received deeper ones`,
  nestedOtherwise: (shape: readonly number[], axis: number, items: number) =>
    `data: expected lists nested as the shape ${shown(shape)}, received ${items} items along axis ${axis}`,
  dataNotArray: "data: expected a list of values",
  tooLarge: "a number that is too large for it",
  fieldMissing: (where: string, field: string, expected: string) =>
    `${where}: ${field}: expected ${expected}, received nothing`,
  fieldWrong: (where: string, field: string, expected: string, received: string) =>
    `${where}: ${field}: expected ${expected}, received ${received}`,
  text: "a text",
  object: "an object",
  trueOrFalse: "true or false",
  someInputs: "a list of tensors",
  someShape: "a list of whole numbers from 0",
  twice: (where: string) => `${where}: expected once, received twice`,
  dataAndBinary: (where: string) => `${where}: expected either data or binary_data_size, received both`,
  binaryMissing: (where: string, size: number, left: number) =>
    `${where}: expected ${size} bytes of binary data behind the JSON, received ${left}`,
  binaryLeft: (left: number) =>
    `body: expected the binary data of the inputs alone behind the JSON, received ${left} bytes more`,
  binarySize: (
    where: string,
    datatype: string,
    shape: readonly number[],
    expected: number,
    received: number,
  ) => `${where}: expected ${expected} bytes of ${datatype} for shape ${shown(shape)}, received ${received}`,
  binaryText: (where: string) =>
    `${where}: expected every text of BYTES behind its length of 4 bytes, received data that is cut off`,
  binaryNotUtf8: (where: string, at: number) => `${where}: value ${at}: expected UTF-8, received other bytes`,
  headerLength: (length: number, received: string) =>
    `Inference-Header-Content-Length: expected a whole number from 0 to ${length}, received ${received}`,
  contentEncoding: (received: string) =>
    `Content-Encoding: expected a body that is not compressed, received ${received}`,
  notJson: (output: string) =>
    `output "${output}": holds a value that is not finite, which JSON cannot carry; ask for it with binary_data`,
  unknownRoute: (method: string, url: string) => `${method} ${url}: there is no such route`,
  internal: "something went wrong on the server; its log has more under this request's id",
  loadedWhenAsked: "it is loaded when it is first asked for",
  otherValue: (where: string, at: number, datatype: string, received: string) =>
    `${where}: data, value ${at}: expected ${datatype}, received ${received}`,
  /** The routes as the OpenAPI document describes them. */
  routes: {
    server: "Name, version and extensions of the server (Open Inference Protocol v2)",
    live: "Whether the server runs",
    ready: "Whether the server is ready to answer; 400 until it is",
    index: "Every model that there is, loaded or not",
    describe: "Inputs and outputs of a model; an axis that is open is -1",
    modelReady: "Loads a model where it is not loaded, and answers when it is ready",
    infer: "Run a model on tensors",
    model: "`name`, `name@champion` or `name@3` of the registry, or a file of the data folder",
    version: "a number of the registry, or the beginning of a digest",
    id: "comes back with the answer",
    requestKey: "callers of the same key meet the same model of a canary",
    outputs: "which outputs are answered, and how; all when absent",
    shape: "length of each axis",
    openShape: "length of each axis; -1 is open",
    data: "values in row-major order, flat or nested as the shape",
    binary: "the JSON, and behind it the values of tensors with binary_data_size, little-endian",
    binarySize: "bytes of this tensor behind the JSON, in the place of data",
    binaryOutput: "whether outputs that do not say it themselves come as binary data",
    headerLength: "bytes of JSON, where binary data follow",
    modelVersion: "version of the model that answered",
    digest: "SHA-256 of the model",
  },
} as const;
