"""Exports a convolutional network, a Transformer encoder and a GRU over many lengths from torch, with the numbers that torch gives.

    cd src/engine/onnx/testing && /usr/bin/python3 torch-models.py

Written with torch 1.13. The reference of torch-models.test.ts.
"""
import json
import torch

torch.manual_seed(0)


class Convolutions(torch.nn.Module):
    """Blocks of convolution, batch norm and pooling; one convolution by channel, one with holes; a head over all positions."""

    def __init__(self):
        super().__init__()
        self.stem = torch.nn.Conv2d(1, 4, 3, padding=1, bias=False)
        self.norm = torch.nn.BatchNorm2d(4)
        self.depthwise = torch.nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=4)
        self.pointwise = torch.nn.Conv2d(4, 6, 1)
        self.norm2 = torch.nn.BatchNorm2d(6)
        self.head = torch.nn.Linear(6, 3)

    def forward(self, x):
        y = torch.nn.functional.max_pool2d(torch.relu(self.norm(self.stem(x))), 2)
        y = torch.nn.functional.leaky_relu(self.norm2(self.pointwise(self.depthwise(y))), 0.1)
        y = torch.nn.functional.avg_pool2d(y, 3, stride=2, padding=1)
        return self.head(torch.nn.functional.adaptive_avg_pool2d(y, 1).flatten(1))


class Encoder(torch.nn.Module):
    """Two encoder layers with exact GELU, one norm before and one after, over a projected series with learned positions."""

    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Linear(3, 8)
        self.positions = torch.nn.Parameter(torch.randn(6, 8) * 0.1)
        options = dict(dim_feedforward=16, activation="gelu", batch_first=True)
        self.first = torch.nn.TransformerEncoderLayer(8, 2, norm_first=False, **options)
        self.second = torch.nn.TransformerEncoderLayer(8, 2, norm_first=True, **options)
        self.head = torch.nn.Linear(8, 2)

    def forward(self, x):
        causal = torch.triu(torch.full((6, 6), float("-inf")), diagonal=1)
        y = self.second(self.first(self.embed(x) + self.positions, src_mask=causal))
        return self.head(y[:, -1])


class Packed(torch.nn.Module):
    """A bidirectional GRU of two layers over packed sequences of tokens, longest first."""

    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(11, 4)
        self.gru = torch.nn.GRU(4, 5, num_layers=2, bidirectional=True, batch_first=True)
        self.head = torch.nn.Linear(10, 2)

    def forward(self, tokens, lengths):
        packed = torch.nn.utils.rnn.pack_padded_sequence(self.embed(tokens), lengths, batch_first=True)
        last = self.gru(packed)[1]
        return self.head(torch.cat([last[-2], last[-1]], 1))


def spread(network):
    """Values unlike the initial ones, of which many are equal: the exporter stores equal arrays once."""
    for name, value in list(network.named_parameters()) + list(network.named_buffers()):
        if value.dtype == torch.float32:
            value.data.add_(torch.randn_like(value) * 0.2)
        if name.endswith("running_var"):
            value.data.abs_().add_(0.5)
    return network.eval()


cases = {}
# The exporter folds batch norm into convolutions unless told not to; the encoder is written as users write it.
keep = dict(training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
for name, network, shape, options in (
    ("convolutions", spread(Convolutions()), (1, 8, 10), keep),
    ("encoder", spread(Encoder()), (6, 3), {}),
):
    # An argument that needs a gradient keeps torch from its fused layers, which ONNX does not have.
    torch.onnx.export(
        network, torch.randn(2, *shape, requires_grad=True), f"torch-{name}.onnx", opset_version=17, **options,
        input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}},
    )
    cases[name] = []
    for batch in (1, 2, 5):
        x = torch.randn(batch, *shape)
        with torch.no_grad():
            y = network(x)
        cases[name].append({"shape": list(x.shape), "x": x.reshape(-1).tolist(), "y": y.reshape(-1).tolist()})

packed = Packed().eval()
# Exported with a batch of one: torch would write a larger one into the graph.
torch.onnx.export(
    packed, (torch.randint(0, 11, (1, 6)), torch.tensor([6])), "torch-packed.onnx", opset_version=17,
    input_names=["tokens", "lengths"], output_names=["y"],
    dynamic_axes={"tokens": {0: "batch"}, "lengths": {0: "batch"}, "y": {0: "batch"}},
)
cases["packed"] = []
for lengths in ([6], [6, 3], [6, 5, 5, 1]):
    tokens = torch.randint(0, 11, (len(lengths), 6))
    y = packed(tokens, torch.tensor(lengths))
    cases["packed"].append({
        "shape": list(tokens.shape), "tokens": tokens.reshape(-1).tolist(), "lengths": lengths, "y": y.reshape(-1).tolist(),
    })
with open("torch-models.json", "w") as file:
    json.dump({"torch": torch.__version__, "cases": cases}, file)
