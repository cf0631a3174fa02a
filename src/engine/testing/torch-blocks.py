"""Prints what torch gives for the residual, Inception, mixture and instance-norm blocks, as JSON: the reference of blocks.test.ts.

    /usr/bin/python3 src/engine/testing/torch-blocks.py > src/engine/testing/torch-blocks.json
"""
import json
import torch
from torch import nn
from torch.nn.utils import weight_norm

torch.manual_seed(0)
F = torch.nn.functional


def numbers(tensor):
    return [round(v, 7) for v in tensor.detach().reshape(-1).tolist()]


def case(module, x, run=None):
    """Values and gradients of sum(weights * module(x)); parameters in the order of the module's own."""
    x.requires_grad_()
    y = (run or module)(x)
    weights = torch.randn(y.shape)
    (y * weights).sum().backward()
    named = list(module.named_parameters()) if module is not None else []
    return {
        "x": numbers(x), "weights": numbers(weights), "y": numbers(y), "dx": numbers(x.grad),
        "parameters": {name: numbers(p) for name, p in named},
        "gradients": {name: numbers(p.grad) for name, p in named},
    }


class TemporalBlock(nn.Module):
    """As in the authors' repository (locuslab/TCN), without dropout."""

    def __init__(self, n_in, n_out, kernel, dilation):
        super().__init__()
        self.pad = (kernel - 1) * dilation
        self.first = weight_norm(nn.Conv1d(n_in, n_out, kernel, dilation=dilation))
        self.second = weight_norm(nn.Conv1d(n_out, n_out, kernel, dilation=dilation))
        self.shortcut = nn.Conv1d(n_in, n_out, 1) if n_in != n_out else None
        with torch.no_grad():
            for conv in (self.first, self.second):
                conv.weight_g.mul_(1 + torch.rand(conv.weight_g.shape))

    def forward(self, x):
        h = torch.relu(self.first(F.pad(x, (self.pad, 0))))
        h = torch.relu(self.second(F.pad(h, (self.pad, 0))))
        return torch.relu(h + (x if self.shortcut is None else self.shortcut(x)))


class InceptionBlock(nn.Module):
    """After hfawaz/InceptionTime, in torch."""

    def __init__(self, n_in, filters, bottleneck, kernels):
        super().__init__()
        self.bottleneck = nn.Conv1d(n_in, bottleneck, 1, bias=False)
        self.branches = nn.ModuleList(nn.Conv1d(bottleneck, filters, k, padding=k // 2, bias=False) for k in kernels)
        self.pooled = nn.Conv1d(n_in, filters, 1, bias=False)
        self.norm = nn.BatchNorm1d((len(kernels) + 1) * filters)
        with torch.no_grad():
            self.norm.weight.uniform_(0.5, 1.5)
            self.norm.bias.uniform_(-0.5, 0.5)

    def forward(self, x):
        narrow = self.bottleneck(x)
        parts = [branch(narrow) for branch in self.branches] + [self.pooled(F.max_pool1d(x, 3, 1, 1))]
        return torch.relu(self.norm(torch.cat(parts, 1)))


out = {
    "temporalShortcut": case(TemporalBlock(2, 3, 3, 2), torch.randn(2, 2, 9)),
    "temporalPlain": case(TemporalBlock(3, 3, 2, 1), torch.randn(2, 3, 5)),
    "inception": case(InceptionBlock(3, 2, 2, (5, 3, 1)), torch.randn(4, 3, 7)),
}

head = nn.Linear(4, 9)
target = torch.randn(5, 1)


def negative_log_likelihood(x):
    logits, means, raw = head(x).split(3, -1)
    mixture = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=logits), torch.distributions.Normal(means, F.softplus(raw) + 1e-3))
    out["mixtureMean"] = numbers(mixture.mean)
    return -mixture.log_prob(target[:, 0])


out["mixture"] = {**case(head, torch.randn(5, 4), negative_log_likelihood), "target": numbers(target)}


class InstanceNorm(nn.Module):
    """As in the authors' repository (ts-kim/RevIN); the statistics carry no gradient there, and do here: the paper's formula."""

    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.rand(3, 1) + 0.5)
        self.shift = nn.Parameter(torch.randn(3, 1))

    def forward(self, x):
        mean = x.mean(2, keepdim=True)
        deviation = torch.sqrt(x.var(2, keepdim=True, unbiased=False) + 1e-5)
        normalized = (x - mean) / deviation * self.scale + self.shift
        forecast = normalized[:, :, -2:] ** 2
        return (forecast - self.shift) / (self.scale + 1e-10) * deviation + mean


out["instanceNorm"] = case(InstanceNorm(), torch.randn(2, 3, 6))
print(json.dumps(out))
