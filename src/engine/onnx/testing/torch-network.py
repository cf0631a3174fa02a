"""Exports a small network from torch, as users do, with the numbers that torch gives: the reference of import.test.ts.

    cd src/engine/onnx/testing && /usr/bin/python3 torch-network.py

Written with torch 1.13 and onnx 1.12. Operator set 13 has no LayerNormalization, so the exporter writes its arithmetic.
"""
import json
import torch


class Network(torch.nn.Module):
    """A bidirectional LSTM, layer norm, attention with shapes computed at run time, and dense layers."""

    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(3, 4, batch_first=True, bidirectional=True)
        self.norm = torch.nn.LayerNorm(8)
        self.up = torch.nn.Linear(8, 6)
        self.down = torch.nn.Linear(6, 2)

    def forward(self, x):
        y = self.norm(self.lstm(x)[0])
        batch, time, channels = y.shape
        heads = y.reshape(batch, time * 2, 4).view(batch, time, 2, 4).permute(0, 2, 1, 3)
        weights = torch.softmax(heads @ heads.transpose(-1, -2) / 2.0, -1)
        y = (weights @ heads).permute(0, 2, 1, 3).reshape(batch, time, channels) + y
        y = torch.tanh(self.up(y)).clamp(-0.9, 0.9) ** 2
        return self.down(y.mean(1))


torch.manual_seed(0)
network = Network().eval()
for opset in (13, 17):
    torch.onnx.export(
        network, torch.randn(2, 5, 3), f"torch-network-{opset}.onnx", opset_version=opset,
        input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "batch"}, "y": {0: "batch"}},
    )
cases = []
for batch in (1, 3):
    x = torch.randn(batch, 5, 3)
    cases.append({"shape": list(x.shape), "x": x.reshape(-1).tolist(), "y": network(x).reshape(-1).tolist()})
with open("torch-network.json", "w") as file:
    json.dump({"torch": torch.__version__, "cases": cases}, file)
