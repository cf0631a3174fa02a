"""PyTorch's side: reads one JSON request per line, answers one JSON line. Started by peer.ts."""

import json
import os
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


class Recurrent(nn.Module):
    def __init__(self, m):
        super().__init__()
        cell = nn.LSTM if m["kind"] == "lstm" else nn.GRU
        self.recurrent = cell(m["inFeatures"], m["hiddenSize"], batch_first=True)
        self.output = nn.Linear(m["hiddenSize"], 1)

    def forward(self, x):
        return self.output(self.recurrent(x)[0][:, -1])


def dense(sizes):
    layers = []
    for fan_in, fan_out in zip(sizes, sizes[1:]):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


class TabMlp(nn.Module):
    def __init__(self, m):
        super().__init__()
        self.tables = nn.ModuleList(nn.Embedding(m["levels"], m["embedding"]) for _ in range(m["categories"]))
        self.layers = dense([m["numeric"] + m["categories"] * m["embedding"], *m["hidden"], 1])

    def forward(self, x, codes):
        embedded = [table(codes[:, i]) for i, table in enumerate(self.tables)]
        return self.layers(torch.cat([x, *embedded], 1))


def encoder(m, feed_forward, activation):
    block = nn.TransformerEncoderLayer(
        m["features"], m["numHeads"], feed_forward, dropout=0.0, activation=activation, batch_first=True, norm_first=True
    )
    return nn.TransformerEncoder(block, m["numLayers"])


class Transformer(nn.Module):
    def __init__(self, m):
        super().__init__()
        self.entry = nn.Linear(m["inFeatures"], m["features"])
        self.blocks = encoder(m, m["feedForwardSize"], "relu")
        self.head = nn.Linear(m["features"], 1)

    def forward(self, x):
        return self.head(self.blocks(self.entry(x))[:, -1])


class Gpt(nn.Module):
    def __init__(self, m):
        super().__init__()
        steps, features = m["steps"], m["features"]
        self.tokens = nn.Embedding(m["vocabulary"], features)
        self.positions = nn.Parameter(0.02 * torch.randn(steps, features))
        self.blocks = encoder(m, 4 * features, "gelu")
        self.norm = nn.LayerNorm(features)
        self.head = nn.Linear(features, m["vocabulary"])
        self.register_buffer("mask", torch.triu(torch.full((steps, steps), float("-inf")), 1))

    def forward(self, x):
        return self.head(self.norm(self.blocks(self.tokens(x) + self.positions, mask=self.mask)))


class TcnBlock(nn.Module):
    def __init__(self, before, channels, kernel, dilation):
        super().__init__()
        self.padding = (kernel - 1) * dilation
        self.first = nn.Conv1d(before, channels, kernel, dilation=dilation)
        self.second = nn.Conv1d(channels, channels, kernel, dilation=dilation)
        self.shortcut = nn.Identity() if before == channels else nn.Conv1d(before, channels, 1)

    def forward(self, x):
        inner = F.relu(self.first(F.pad(x, (self.padding, 0))))
        inner = F.relu(self.second(F.pad(inner, (self.padding, 0))))
        return F.relu(inner + self.shortcut(x))


class Tcn(nn.Module):
    def __init__(self, m):
        super().__init__()
        before = [m["inFeatures"]] + [m["channels"]] * (m["levels"] - 1)
        self.blocks = nn.Sequential(
            *(TcnBlock(b, m["channels"], m["kernel"], 2**level) for level, b in enumerate(before))
        )
        self.head = nn.Linear(m["channels"], 1)

    def forward(self, x):
        return self.head(self.blocks(x)[:, :, -1])


def cnn(m):
    layers, before = [], 1
    for channels in m["channels"]:
        layers += [nn.Conv2d(before, channels, (5, 3), padding=(2, 1)), nn.LeakyReLU(0.01), nn.MaxPool2d((2, 1))]
        before = channels
    left = before * (m["height"] // 2 ** len(m["channels"])) * m["width"]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(left, 1))


def data(m, batch):
    """What one batch of a model is made of."""
    kind = m["kind"]
    if kind == "dense":
        return [torch.randn(batch, m["sizes"][0])]
    if kind == "tabMlp":
        return [torch.randn(batch, m["numeric"]), torch.randint(0, m["levels"], (batch, m["categories"]))]
    if kind == "gpt":
        return [torch.randint(0, m["vocabulary"], (batch, m["steps"]))]
    if kind == "tcn":
        return [torch.randn(batch, m["inFeatures"], m["steps"])]
    if kind == "cnn":
        return [torch.randn(batch, 1, m["height"], m["width"])]
    return [torch.randn(batch, m["steps"], m["inFeatures"])]


MODELS = {
    "lstm": Recurrent,
    "gru": Recurrent,
    "dense": lambda m: dense(m["sizes"]),
    "tabMlp": TabMlp,
    "transformer": Transformer,
    "gpt": Gpt,
    "tcn": Tcn,
    "cnn": cnn,
}


def prepare(work):
    """A function that does the work once."""
    torch.manual_seed(0)
    m = work["model"]
    model, inputs = MODELS[m["kind"]](m), data(m, work["batch"])
    if work["task"] == "forward":
        model.eval()

        def forward():
            with torch.inference_mode():
                model(*inputs)

        return forward

    optimiser = torch.optim.Adam(model.parameters())
    if m["kind"] == "gpt":
        target = torch.randint(0, m["vocabulary"], (work["batch"] * m["steps"],))
        loss_of = lambda logits: F.cross_entropy(logits.flatten(0, 1), target)
    else:
        target = torch.randn(work["batch"], 1)
        loss_of = lambda prediction: F.mse_loss(prediction, target)

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss_of(model(*inputs)).backward()
        optimiser.step()

    return step


def timed(step, repetitions):
    milliseconds = []
    for _ in range(repetitions):
        start = time.perf_counter()
        step()
        milliseconds.append((time.perf_counter() - start) * 1e3)
    return milliseconds


def matmul_gflops(threads, n=1024):
    torch.set_num_threads(threads)
    a, b = torch.randn(n, n), torch.randn(n, n)
    torch.mm(a, b)
    return 2 * n**3 / (min(timed(lambda: torch.mm(a, b), 5)) * 1e6)


def blas():
    """The library that is loaded, which says more than the one torch was built for."""
    try:
        with open("/proc/self/maps") as maps:
            files = {os.path.basename(line.split()[-1]) for line in maps if ".so" in line}
    except OSError:
        files = set()
    known = sorted(f for f in files if any(word in f for word in ("blas", "mkl", "blis", "atlas")))
    built = [line for line in torch.__config__.show().replace(", ", "\n").split("\n") if "BLAS_INFO=" in line]
    return ", ".join(known) or (built[0].strip(" -").split("BLAS_INFO=")[-1] if built else "unknown")


def main():
    answer = sys.stdout
    print(json.dumps({"version": torch.__version__, "blas": blas(), "matmulGflops": matmul_gflops(int(sys.argv[1]))}), flush=True)
    prepared = {}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            work = request["work"]
            torch.set_num_threads(request.get("threads", 1))
            if work["name"] not in prepared:
                prepared[work["name"]] = prepare(work)
            milliseconds = timed(prepared[work["name"]], request["repetitions"])
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            reply = {"milliseconds": milliseconds, "peakMiB": peak}
        except Exception as error:  # told to whoever asked, who prints it
            reply = {"error": f"{type(error).__name__}: {error}"}
        answer.write(json.dumps(reply) + "\n")
        answer.flush()


if __name__ == "__main__":
    main()
