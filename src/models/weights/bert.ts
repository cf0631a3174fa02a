/**
 * The names of BERT checkpoints (Devlin et al. 2018) as Hugging Face publishes them, and where each tensor stands in our `Bert`:
 *
 *     embeddings.{token,position,segment}.weight          embeddings.norm.{scale,shift}
 *     layers.N.attention.{query,key,value,output}.{weight,bias}
 *     layers.N.attentionNorm.{scale,shift}
 *     layers.N.feedForward.{up,down}.{weight,bias}        layers.N.feedForwardNorm.{scale,shift}
 *     pooler.{weight,bias}
 *     maskedLanguage.transform.{weight,bias}              maskedLanguage.norm.{scale,shift}
 *     maskedLanguage.bias
 *
 * The prefix `bert.` is there in models with a head and missing in the bare encoder. Checkpoints converted from TensorFlow call the
 * norm's scale and shift `gamma` and `beta`. All matrices are `[out, in]`, as ours are. The masked-language decoder shares its matrix
 * with the token embedding, so files leave it out or repeat it; either is right.
 */
import type { WeightMapping, WeightRule } from "./weights.ts";

/** Our path, and theirs without the prefix. */
const encoder: readonly (readonly [to: string, from: string])[] = [
  ["embeddings.token.weight", "embeddings.word_embeddings.weight"],
  ["embeddings.position.weight", "embeddings.position_embeddings.weight"],
  ["embeddings.segment.weight", "embeddings.token_type_embeddings.weight"],
  ["embeddings.norm", "embeddings.LayerNorm"],
  ["layers.*.attention.query", "encoder.layer.*.attention.self.query"],
  ["layers.*.attention.key", "encoder.layer.*.attention.self.key"],
  ["layers.*.attention.value", "encoder.layer.*.attention.self.value"],
  ["layers.*.attention.output", "encoder.layer.*.attention.output.dense"],
  ["layers.*.attentionNorm", "encoder.layer.*.attention.output.LayerNorm"],
  ["layers.*.feedForward.up", "encoder.layer.*.intermediate.dense"],
  ["layers.*.feedForward.down", "encoder.layer.*.output.dense"],
  ["layers.*.feedForwardNorm", "encoder.layer.*.output.LayerNorm"],
  ["pooler", "pooler.dense"],
];

const maskedLanguage: readonly (readonly [to: string, from: string])[] = [
  ["maskedLanguage.transform", "cls.predictions.transform.dense"],
  ["maskedLanguage.norm", "cls.predictions.transform.LayerNorm"],
  ["maskedLanguage.bias", "cls.predictions.bias"],
];

/**
 * Loads a published BERT into a `bert` of ours: `loadWeights(model, file, bertWeights)`. A model without pooler or masked-language head
 * adds what it does without to `ignore`.
 */
export const bertWeights: WeightMapping = {
  rules: [
    ...encoder.flatMap(([to, from]) => [...both(to, `bert.${from}`), ...both(to, from)]),
    ...maskedLanguage.flatMap(([to, from]) => both(to, from)),
  ],
  ignore: [
    // Positions 0, 1, 2, ..., which older versions stored as if they were learned.
    "bert.embeddings.position_ids",
    "embeddings.position_ids",
    // The token embedding and the bias again, under the names of the decoder.
    "cls.predictions.decoder.weight",
    "cls.predictions.decoder.bias",
    // The head that says whether a sentence follows another, which nothing here uses.
    "cls.seq_relationship.weight",
    "cls.seq_relationship.bias",
  ],
};

/** A name that ends in the array itself is one rule; a layer has a rule for each of its arrays. */
function both(to: string, from: string): WeightRule[] {
  if (/\.(weight|bias)$/.test(to)) return [{ from, to }];
  if (!/norm$/i.test(to))
    return ["weight", "bias"].map((array) => ({ from: `${from}.${array}`, to: `${to}.${array}` }));
  return [
    ["weight", "scale"],
    ["bias", "shift"],
    ["gamma", "scale"],
    ["beta", "shift"],
  ].map(([theirs, ours]) => ({ from: `${from}.${theirs}`, to: `${to}.${ours}` }));
}
