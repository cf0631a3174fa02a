"""Prints a tiny BERT's weights, inputs and outputs as torch computes them, as JSON: the reference of bert.test.ts.

The equations are those of Hugging Face's BertModel and BertForMaskedLM; the names are the tree of bert.ts.

    /usr/bin/python3 src/models/text/testing/bert-reference.py > src/models/text/testing/bert-reference.json
"""
import json
import math

import torch
from torch import nn

torch.manual_seed(0)
vocabulary, positions, segments, hidden, layers, heads, wide = 11, 7, 2, 8, 2, 2, 12
batch, time, epsilon = 3, 6, 1e-12

weights = {}


def draw(name, *shape, around=0.0):
    # Far from the initial values, so that no term is too small to be seen.
    weights[name] = around + 0.4 * torch.randn(*shape)
    return weights[name]


def linear(name, x, out):
    return nn.functional.linear(x, draw(f"{name}.weight", out, x.shape[-1]), draw(f"{name}.bias", out))


def norm(name, x):
    size = x.shape[-1]
    scale, shift = draw(f"{name}.scale", size, around=1.0), draw(f"{name}.shift", size)
    return nn.functional.layer_norm(x, (size,), scale, shift, epsilon)


tokens = torch.randint(0, vocabulary, (batch, time))
kinds = torch.tensor([[0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 0, 0], [0, 1, 1, 1, 1, 1]])
visible = torch.tensor([[1.0] * 6, [1.0] * 4 + [0.0] * 2, [1.0] * 5 + [0.0]])

token = draw("embeddings.token.weight", vocabulary, hidden)
position = draw("embeddings.position.weight", positions, hidden)
segment = draw("embeddings.segment.weight", segments, hidden)
x = norm("embeddings.norm", token[tokens] + segment[kinds] + position[:time])

mask = (1.0 - visible)[:, None, None, :] * torch.finfo(torch.float32).min
for layer in range(layers):
    at = f"layers.{layer}"
    split = lambda y: y.view(batch, time, heads, hidden // heads).permute(0, 2, 1, 3)
    query = split(linear(f"{at}.attention.query", x, hidden))
    key = split(linear(f"{at}.attention.key", x, hidden))
    value = split(linear(f"{at}.attention.value", x, hidden))
    scores = query @ key.transpose(-1, -2) / math.sqrt(hidden // heads) + mask
    mixed = (scores.softmax(-1) @ value).permute(0, 2, 1, 3).reshape(batch, time, hidden)
    x = norm(f"{at}.attentionNorm", linear(f"{at}.attention.output", mixed, hidden) + x)
    wide_x = nn.functional.gelu(linear(f"{at}.feedForward.up", x, wide))
    x = norm(f"{at}.feedForwardNorm", linear(f"{at}.feedForward.down", wide_x, hidden) + x)

pooled = linear("pooler", x[:, 0], hidden).tanh()
features = norm("maskedLanguage.norm", nn.functional.gelu(linear("maskedLanguage.transform", x, hidden)))
logits = features @ token.T + draw("maskedLanguage.bias", vocabulary)

numbers = lambda tensor: [float(f"{v:.9g}") for v in tensor.reshape(-1).tolist()]
print(json.dumps({
    "torch": torch.__version__,
    "options": {"vocabularySize": vocabulary, "maxLength": positions, "segments": segments, "hiddenSize": hidden,
                "numLayers": layers, "numHeads": heads, "feedForwardSize": wide},
    "shape": [batch, time],
    "tokens": tokens.reshape(-1).tolist(), "segments": kinds.reshape(-1).tolist(), "visible": numbers(visible),
    "weights": {name: numbers(value) for name, value in weights.items()},
    "hidden": numbers(x), "pooled": numbers(pooled), "logits": numbers(logits),
}))
