export { type HashedNgramsOptions, hashNgrams } from "./hashed-ngrams.ts";
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
export {
  type EncodedTexts,
  encodeTexts,
  fitVocabulary,
  specialTokens,
  type Vocabulary,
  type VocabularyOptions,
  vocabularyFromJson,
} from "./vocabulary.ts";
