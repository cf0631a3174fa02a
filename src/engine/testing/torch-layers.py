"""Prints, for every layer with a counterpart in torch, its weights, what it makes of an input, and its weights after ten steps of Adam.

Adam runs with an epsilon of 1e-3: the bias of attention's keys has a gradient of zero, whose rounding errors would pass for a direction.

    /usr/bin/python3 src/engine/testing/torch-layers.py > src/engine/testing/torch-layers.json

Weights carry Fathom's names, so that torch-layers.test.ts copies them over one to one.
"""
import copy
import json

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


def numbers(tensor):
    return [float(f"{v:.8g}") for v in tensor.detach().reshape(-1).tolist()]


def same(prefix=""):
    """Names that differ by nothing but a prefix."""
    return lambda state: {prefix + name: value for name, value in state.items() if "num_batches" not in name}


def renamed(*pairs):
    def rename(state):
        out = {}
        for name, value in state.items():
            if "num_batches" in name:
                continue
            for old, new in pairs:
                name = name.replace(old, new)
            out[name] = value
        return out

    return rename


norm = renamed(("weight", "scale"), ("bias", "shift"), ("running_mean", "runningMean"), ("running_var", "runningVariance"))


def attention(state, prefix=""):
    out = {}
    for place, name in enumerate(("query", "key", "value")):
        out[f"{prefix}{name}.weight"] = state["in_proj_weight"].chunk(3)[place]
        out[f"{prefix}{name}.bias"] = state["in_proj_bias"].chunk(3)[place]
    out[f"{prefix}output.weight"] = state["out_proj.weight"]
    out[f"{prefix}output.bias"] = state["out_proj.bias"]
    return out


def part(state, prefix):
    return {name[len(prefix) :]: value for name, value in state.items() if name.startswith(prefix)}


def encoder(state):
    out = attention(part(state, "self_attn."), "attention.")
    for old, new in (("linear1", "feedForward.up"), ("linear2", "feedForward.down")):
        out.update({f"{new}.{name}": value for name, value in part(state, old + ".").items()})
    for old, new in (("norm1", "attentionNorm"), ("norm2", "feedForwardNorm")):
        out.update({f"{new}.{name}": value for name, value in norm(part(state, old + ".")).items()})
    return out


def decoder(state):
    out = attention(part(state, "self_attn."), "selfAttention.")
    out.update(attention(part(state, "multihead_attn."), "crossAttention."))
    for old, new in (("linear1", "feedForward.up"), ("linear2", "feedForward.down")):
        out.update({f"{new}.{name}": value for name, value in part(state, old + ".").items()})
    for old, new in (("norm1", "selfAttentionNorm"), ("norm2", "crossAttentionNorm"), ("norm3", "feedForwardNorm")):
        out.update({f"{new}.{name}": value for name, value in norm(part(state, old + ".")).items()})
    return out


def recurrent(state):
    names = {"weight_ih_l0": "weightInput", "weight_hh_l0": "weightHidden", "bias_ih_l0": "biasInput", "bias_hh_l0": "biasHidden"}
    return {names[name]: value for name, value in state.items()}


def stacked(state):
    names = {"weight_ih": "weightInput", "weight_hh": "weightHidden", "bias_ih": "biasInput", "bias_hh": "biasHidden"}
    out = {}
    for name, value in state.items():
        kind, level = name.rsplit("_l", 1)
        direction = 1 if level.endswith("_reverse") else 0
        out[f"layers.{level.split('_')[0]}.{direction}.{names[kind]}"] = value
    return out


def packed(module, x, lengths):
    """Outputs of every step, zero past the end, and the last states of the upper layer side by side, as one row per sample."""
    lengths = lengths.long()
    run = nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    sequence, state = module(run)
    sequence = nn.utils.rnn.pad_packed_sequence(sequence, batch_first=True, total_length=x.shape[1])[0]
    last = state[0] if isinstance(state, tuple) else state
    return torch.cat([sequence.flatten(1), torch.cat([last[-2], last[-1]], 1)], 1)


class RmsNorm(nn.Module):
    """Zhang and Sennrich 2019; torch has it since 2.4 only."""

    def __init__(self, features):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(features))

    def forward(self, x):
        return x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-6) * self.scale


class Causal(nn.Module):
    def __init__(self, channels_in, channels_out, kernel, dilation):
        super().__init__()
        self.conv, self.padding = nn.Conv1d(channels_in, channels_out, kernel, dilation=dilation), (kernel - 1) * dilation

    def forward(self, x):
        return self.conv(F.pad(x, (self.padding, 0)))


visible = torch.tensor([[1.0, 1, 1, 1, 0], [1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])
causal = lambda steps: torch.triu(torch.ones(steps, steps, dtype=torch.bool), 1)


def block(norm_first, activation, make=nn.TransformerEncoderLayer):
    return make(8, 2, 12, dropout=0.0, activation=activation, batch_first=True, norm_first=norm_first)


x53 = torch.randn(3, 4, 8)
memory = torch.randn(3, 5, 8)
mha = lambda: nn.MultiheadAttention(8, 2, batch_first=True)
cases = {
    "linear": (nn.Linear(4, 3), same(), [torch.randn(5, 4)], None),
    "layerNorm": (nn.LayerNorm(6), norm, [torch.randn(5, 6)], None),
    "rmsNorm": (RmsNorm(6), same(), [torch.randn(5, 6)], None),
    "groupNorm": (nn.GroupNorm(2, 6), norm, [torch.randn(3, 6, 4)], None),
    "batchNorm": (nn.BatchNorm1d(4), norm, [2 * torch.randn(6, 4) + 1], None),
    "batchNormImages": (nn.BatchNorm2d(3), norm, [torch.randn(4, 3, 3, 2)], None),
    "conv1d": (nn.Conv1d(2, 3, 3), same(), [torch.randn(3, 2, 7)], None),
    "conv1dStrided": (nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2), same(), [torch.randn(3, 4, 9)], None),
    "conv1dCausal": (Causal(2, 3, 2, 3), renamed(("conv.", "")), [torch.randn(3, 2, 7)], None),
    "conv2d": (nn.Conv2d(2, 3, (3, 2), padding=(1, 0)), same(), [torch.randn(3, 2, 5, 4)], None),
    "conv2dStrided": (nn.Conv2d(2, 4, 3, stride=(2, 3), padding=1, bias=False), same(), [torch.randn(2, 2, 6, 7)], None),
    "attention": (mha(), attention, [x53], lambda m, x: m(x, x, x, need_weights=False)[0]),
    "attentionCausal": (mha(), attention, [x53], lambda m, x: m(x, x, x, attn_mask=causal(4), need_weights=False)[0]),
    "attentionCross": (
        mha(),
        attention,
        [x53, memory],
        lambda m, x, y: m(x, y, y, key_padding_mask=visible == 0, need_weights=False)[0],
    ),
    "encoderBefore": (block(True, "relu"), encoder, [x53], None),
    "encoderAfter": (block(False, "gelu"), encoder, [x53], None),
    "encoderCausal": (block(True, "gelu"), encoder, [x53], lambda m, x: m(x, src_mask=causal(4))),
    "decoderBefore": (block(True, "relu", nn.TransformerDecoderLayer), decoder, [x53, memory], lambda m, x, y: m(x, y, tgt_mask=causal(4))),
    "decoderAfter": (block(False, "gelu", nn.TransformerDecoderLayer), decoder, [x53, memory], lambda m, x, y: m(x, y, tgt_mask=causal(4))),
    "lstm": (nn.LSTM(3, 4, batch_first=True), recurrent, [torch.randn(3, 5, 3)], lambda m, x: m(x)[0]),
    "gru": (nn.GRU(3, 4, batch_first=True), recurrent, [torch.randn(3, 5, 3)], lambda m, x: m(x)[0]),
    "stackedLstm": (nn.LSTM(3, 2, 2, batch_first=True, bidirectional=True), stacked, [torch.randn(3, 5, 3), torch.tensor([5.0, 2, 3])], packed),
    "stackedGru": (nn.GRU(3, 2, 2, batch_first=True, bidirectional=True), stacked, [torch.randn(3, 4, 3), torch.tensor([1.0, 4, 2])], packed),
    "rnn": (nn.RNN(3, 4, batch_first=True), recurrent, [torch.randn(3, 5, 3)], lambda m, x: m(x)[0]),
}

layers = {}
for name, (module, names, inputs, call) in cases.items():
    call = call or (lambda m, *xs: m(*xs))
    before = {key: {"shape": list(value.shape), "data": numbers(value)} for key, value in names(module.state_dict()).items()}
    y = call(copy.deepcopy(module), *inputs)
    target = torch.randn_like(y)
    optimiser = torch.optim.Adam(module.parameters(), 0.01, eps=1e-3)
    for _ in range(10):
        optimiser.zero_grad()
        ((call(module, *inputs) - target) ** 2).mean().backward()
        optimiser.step()
    module.eval()
    layers[name] = {
        "inputs": [{"shape": list(x.shape), "data": numbers(x)} for x in inputs],
        "target": {"shape": list(target.shape), "data": numbers(target)},
        "before": before,
        "y": numbers(y),
        "after": {key: numbers(value) for key, value in names(module.state_dict()).items()},
        "yAfter": numbers(call(module, *inputs)),
    }

x = torch.tensor([-3.0, -1.0, -0.25, 0.0, 0.5, 2.0], requires_grad=True)
activations = {}
for name, function in {
    "leakyRelu": lambda v: F.leaky_relu(v, 0.1), "elu": F.elu, "silu": F.silu, "softplus": F.softplus, "gelu": F.gelu,
    "clip": lambda v: v.clamp(-1, 0.75), "logSumExp": lambda v: v.logsumexp(0, keepdim=True),
    "cumulativeSum": lambda v: (v.cumsum(0) ** 2), "variance": lambda v: v.var(0, unbiased=False, keepdim=True),
}.items():
    y = function(x)
    (slope,) = torch.autograd.grad(y.sum(), x)
    activations[name] = {"y": numbers(y), "slope": numbers(slope)}

# Ties: the first in reading order takes the gradient.
image = torch.tensor([[[[1.0, 1, 0, 2], [1, 0, 2, 2], [0, 0, 3, 1], [0, 0, 1, 3]]]], requires_grad=True)
pools = {}
for name, function in {
    "tiles": lambda v: F.max_pool2d(v, 2), "rows": lambda v: F.max_pool2d(v, (2, 1)),
    "overlapping": lambda v: F.max_pool2d(v, 3, stride=1, padding=1), "average": lambda v: F.avg_pool2d(v, 3, stride=2, padding=1),
}.items():
    y = function(image)
    (slope,) = torch.autograd.grad((y * torch.arange(1.0, y.numel() + 1).reshape(y.shape)).sum(), image)
    pools[name] = {"y": numbers(y), "slope": numbers(slope)}

print(json.dumps({"torch": torch.__version__, "layers": layers, "x": numbers(x), "activations": activations, "image": numbers(image), "pools": pools}))
