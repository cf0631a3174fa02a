export {
  fitTfIdf,
  type SparseRow,
  type TfIdf,
  type TfIdfJson,
  type TfIdfOptions,
  tfIdfFromJson,
  tfIdfToJson,
  toDense,
  vectorise,
} from "./tf-idf.ts";
export { ngrams, tokenise } from "./tokenise.ts";
