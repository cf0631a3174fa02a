"""The peer: the same LSTM behind FastAPI and uvicorn, as such servers are written, with what makes it fast.

Reads the same request and answers the same response as Fathom's /v2/models/lstm/infer. Requests that wait run together
(a queue and one task that empties it), because a forward pass for each would be slower; --batch 1 turns that off.
"""
import argparse
import asyncio

import torch
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import Response

try:
    import orjson as fast_json
except ImportError:
    import json as fast_json

arguments = argparse.ArgumentParser()
arguments.add_argument("--port", type=int, required=True)
arguments.add_argument("--threads", type=int, default=1)
arguments.add_argument("--batch", type=int, default=64)
options = arguments.parse_args()
torch.set_num_threads(options.threads)
torch.set_grad_enabled(False)


class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(16, 128, batch_first=True)
        self.head = torch.nn.Linear(128, 1)

    def forward(self, x):
        _, (hidden, _) = self.lstm(x)
        return self.head(hidden[-1])


network = Network().eval()
app = FastAPI()
queue: asyncio.Queue = None


async def run_batches():
    loop = asyncio.get_running_loop()
    while True:
        waiting = [await queue.get()]
        while len(waiting) < options.batch and not queue.empty():
            waiting.append(queue.get_nowait())
        batch = torch.cat([x for x, _ in waiting])
        # torch lets go of the interpreter's lock while it computes, so that another thread keeps the loop free.
        answers = await loop.run_in_executor(None, network, batch)
        at = 0
        for x, future in waiting:
            if not future.cancelled():
                future.set_result(answers[at : at + x.shape[0]])
            at += x.shape[0]


@app.on_event("startup")
async def start():
    global queue
    queue = asyncio.Queue()
    asyncio.create_task(run_batches())
    network(torch.zeros(options.batch, 60, 16))


@app.post("/v2/models/lstm/infer")
async def infer(request: Request):
    asked = fast_json.loads(await request.body())["inputs"][0]
    x = torch.tensor(asked["data"], dtype=torch.float32).reshape(asked["shape"])
    future = asyncio.get_running_loop().create_future()
    await queue.put((x, future))
    y = await future
    answer = {
        "model_name": "lstm",
        "model_version": "1",
        "outputs": [{"name": "y", "datatype": "FP32", "shape": list(y.shape), "data": y.flatten().tolist()}],
    }
    body = fast_json.dumps(answer)
    return Response(body, media_type="application/json")


@app.get("/ready")
async def ready():
    return {"fastapi": __import__("fastapi").__version__, "torch": torch.__version__, "json": fast_json.__name__}


uvicorn.run(app, port=options.port, log_level="error", access_log=False)
