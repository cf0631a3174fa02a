"""Prints the numbers that torch gives for small cases, as JSON: the reference of torch.test.ts.

    /usr/bin/python3 src/engine/testing/torch-reference.py > src/engine/testing/torch-reference.json
"""
import json
import torch

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)


def numbers(tensor):
    return [round(v, 10) for v in tensor.detach().reshape(-1).tolist()]


out = {"torch": torch.__version__, "recurrent": {}, "optimisers": {}, "losses": {}}

time, batch, features, hidden = 5, 3, 2, 4
for cell in ("LSTM", "GRU", "RNN"):
    layer = getattr(torch.nn, cell)(features, hidden)
    x = torch.randn(time, batch, features, requires_grad=True)
    weights = torch.randn(time, batch, hidden)
    lastWeights = torch.randn(batch, hidden)
    sequence, state = layer(x)
    last = state[0] if cell == "LSTM" else state
    loss = (sequence * weights).sum() + (last[0] * lastWeights).sum()
    loss.backward()
    out["recurrent"][cell.lower()] = {
        "x": numbers(x), "weights": numbers(weights), "lastWeights": numbers(lastWeights),
        "parameters": [numbers(p) for p in layer.parameters()],
        "sequence": numbers(sequence), "loss": loss.item(),
        "dx": numbers(x.grad), "gradients": [numbers(p.grad) for p in layer.parameters()],
    }

start = torch.randn(6)
targets = torch.randn(6)
scale = torch.tensor([1.0, 2.0, 0.5, 3.0, 1.0, 0.1])
out["optimiserCase"] = {"start": numbers(start), "targets": numbers(targets), "scale": numbers(scale)}
makers = {
    "sgd": lambda p: torch.optim.SGD(p, 0.05),
    "momentum": lambda p: torch.optim.SGD(p, 0.05, momentum=0.9),
    "nesterov": lambda p: torch.optim.SGD(p, 0.05, momentum=0.9, nesterov=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, 0.05),
    "adam": lambda p: torch.optim.Adam(p, 0.05),
    "adamW": lambda p: torch.optim.AdamW(p, 0.05, weight_decay=0.1),
}
for name, make in makers.items():
    p = start.clone().requires_grad_()
    optimiser = make([p])
    for _ in range(10):
        optimiser.zero_grad()
        (scale * (p - targets) ** 2).sum().backward()
        optimiser.step()
    out["optimisers"][name] = numbers(p)

prediction = torch.randn(4, 3, requires_grad=True)
target = torch.randn(4, 3)
bits = torch.tensor([[1.0, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0]])
classes = torch.tensor([2, 0, 1, 1])
out["lossCase"] = {"prediction": numbers(prediction), "target": numbers(target), "bits": numbers(bits), "classes": classes.tolist()}
F = torch.nn.functional
q = torch.tensor([0.1, 0.5, 0.9])
losses = {
    "meanSquaredError": lambda p: F.mse_loss(p, target),
    "meanAbsoluteError": lambda p: F.l1_loss(p, target),
    "huber": lambda p: F.huber_loss(p, target, delta=0.7),
    "binaryCrossEntropy": lambda p: F.binary_cross_entropy_with_logits(p, bits),
    "categoricalCrossEntropy": lambda p: F.cross_entropy(p, classes),
    "pinball": lambda p: torch.maximum(q * (target[:, :1] - p), (q - 1) * (target[:, :1] - p)).mean(),
}
for name, loss in losses.items():
    prediction.grad = None
    value = loss(prediction)
    value.backward()
    out["losses"][name] = {"value": value.item(), "gradient": numbers(prediction.grad)}

x = torch.randn(2, 5, requires_grad=True)
layer = torch.nn.LayerNorm(5)
with torch.no_grad():
    layer.weight.copy_(torch.randn(5))
    layer.bias.copy_(torch.randn(5))
weights = torch.randn(2, 5)
y = layer(x)
(y * weights).sum().backward()
out["layerNorm"] = {
    "x": numbers(x), "scale": numbers(layer.weight), "shift": numbers(layer.bias), "weights": numbers(weights), "y": numbers(y),
    "dx": numbers(x.grad), "dScale": numbers(layer.weight.grad), "dShift": numbers(layer.bias.grad),
}
print(json.dumps(out))
