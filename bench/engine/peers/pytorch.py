"""PyTorch's side: reads one JSON request per line, answers one JSON line. Started by peer.ts."""

import json
import os
import sys
import time

import torch
from torch import nn


class Recurrent(nn.Module):
    def __init__(self, cell, in_features, hidden_size):
        super().__init__()
        self.recurrent = (nn.LSTM if cell == "lstm" else nn.GRU)(in_features, hidden_size, batch_first=True)
        self.output = nn.Linear(hidden_size, 1)

    def forward(self, x):
        return self.output(self.recurrent(x)[0][:, -1])


def dense(sizes):
    layers = []
    for fan_in, fan_out in zip(sizes, sizes[1:]):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def prepare(work):
    """A function that does the work once."""
    torch.manual_seed(0)
    if work["cell"] == "dense":
        model, x = dense(work["sizes"]), torch.randn(work["batch"], work["sizes"][0])
    else:
        model = Recurrent(work["cell"], work["inFeatures"], work["hiddenSize"])
        x = torch.randn(work["batch"], work["steps"], work["inFeatures"])
    y = torch.randn(work["batch"], 1)
    if work["task"] == "forward":
        model.eval()

        def forward():
            with torch.inference_mode():
                model(x)

        return forward

    optimiser = torch.optim.Adam(model.parameters())
    loss_of = nn.MSELoss()

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss_of(model(x), y).backward()
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
    print(json.dumps({"version": torch.__version__, "blas": blas(), "matmulGflops": matmul_gflops(2)}), flush=True)
    prepared = {}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            work = request["work"]
            torch.set_num_threads(request.get("threads", 1))
            if work["name"] not in prepared:
                prepared[work["name"]] = prepare(work)
            milliseconds = timed(prepared[work["name"]], request["repetitions"])
            reply = {"milliseconds": milliseconds}
        except Exception as error:  # told to whoever asked, who prints it
            reply = {"error": f"{type(error).__name__}: {error}"}
        answer.write(json.dumps(reply) + "\n")
        answer.flush()


if __name__ == "__main__":
    main()
