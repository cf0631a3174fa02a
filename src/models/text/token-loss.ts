import {
  div,
  gatherAlong,
  logSoftmax,
  maximum,
  mul,
  neg,
  reshape,
  sum,
  type Tensor,
} from "../../engine/index.ts";

/**
 * Mean cross-entropy of predicted tokens, over the positions that count.
 *
 * Shapes: logits `[batch, time, vocabulary]`, tokens int64 `[batch, time]`, counts `[batch, time]`: the weight of each position. A
 * batch in which nothing counts has the loss 0.
 */
export function tokenLoss(logits: Tensor, tokens: Tensor, counts: Tensor): Tensor {
  const chosen = gatherAlong(logSoftmax(logits), reshape(tokens, [...tokens.shape, 1])); // [batch, time, 1]
  const losses = neg(reshape(chosen, tokens.shape));
  return div(sum(mul(losses, counts)), maximum(sum(counts), 1e-6));
}
