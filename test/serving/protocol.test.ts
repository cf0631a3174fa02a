/** The Open Inference Protocol as its clients see it, called without a port. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { PlatformError } from "../../src/base/index.ts";
import { cast, input, mul, toOnnx, traceGraph } from "../../src/engine/index.ts";
import { buildServer } from "../../src/interfaces/http/index.ts";
import { folderSource, ModelServer, type ModelServerOptions } from "../../src/platform/inference/index.ts";
import { localContext, systemClock } from "../../src/platform/local/index.ts";

const twice = toOnnx(traceGraph({ y: mul(input("x", ["batch", 2]), 2) }));
/** Two inputs of other types, two outputs. */
const count = input("count", ["batch"], "int64");
const mixed = toOnnx(
  traceGraph({
    whole: mul(count, cast(input("flag", ["batch"], "bool"), "int64")),
    half: mul(cast(count, "float64"), 0.5),
  }),
);

async function server(overrides: Partial<ModelServerOptions> = {}, bodyLimitBytes?: number) {
  const dataFolder = await mkdtemp(join(tmpdir(), "fathom-v2-"));
  const context = localContext({ dataFolder });
  const folder = join(dataFolder, "models");
  await mkdir(folder);
  await writeFile(join(folder, "twice.onnx"), twice);
  await writeFile(join(folder, "mixed.onnx"), mixed);
  const models = new ModelServer({
    sources: [folderSource(folder, context.models.locate)],
    workers: 1,
    threadsPerBatch: 1,
    maxBatchRows: 64,
    windowMs: 0,
    queueLimit: 1000,
    timeoutMs: 30_000,
    maxLoaded: 8,
    refreshMs: 60_000,
    elapsed: systemClock.elapsed,
    logger: context.logger,
    ...overrides,
  });
  const app = buildServer({
    capabilities: [],
    version: "1.2.3",
    dataFolder,
    clock: systemClock,
    jobs: () => Promise.reject(new Error("no jobs here")),
    makeContext: () => context,
    models,
    onClose: () => models.close(),
    ...(bodyLimitBytes !== undefined && { bodyLimitBytes }),
  });
  onTestFinished(async () => {
    await app.close();
    await rm(dataFolder, { recursive: true, force: true });
  });
  await app.ready();
  const infer = (payload: object | string | Buffer, headers: Record<string, string> = {}, model = "twice") =>
    app.inject({
      method: "POST",
      url: `/v2/models/${model}/infer`,
      headers: { "content-type": "application/json", ...headers },
      payload: typeof payload === "string" || Buffer.isBuffer(payload) ? payload : JSON.stringify(payload),
    });
  return { app, models, folder, infer };
}
const x = { name: "x", shape: [1, 2], datatype: "FP32", data: [1.5, -2] };
const float32 = (...values: number[]) => Buffer.from(Float32Array.from(values).buffer);

describe("what a client asks first", () => {
  test("the server: its name, its extensions, whether it lives and is ready", async () => {
    const { app } = await server();
    expect((await app.inject("/v2")).json()).toEqual({
      name: "fathom",
      version: "1.2.3",
      extensions: ["binary_tensor_data"],
    });
    expect((await app.inject("/v2/health/live")).json()).toEqual({ live: true });
    expect((await app.inject("/v2/health/ready")).json()).toEqual({ ready: true });
  });

  test("a model: its versions, inputs and outputs, and whether it is ready", async () => {
    const { app } = await server();
    const { digest } = (await app.inject("/v2/models/mixed")).json().parameters;
    const version = digest.slice(0, 12);
    const expected = {
      name: "mixed",
      versions: [version],
      platform: "onnx_onnxv1",
      inputs: [
        { name: "count", datatype: "INT64", shape: [-1] },
        { name: "flag", datatype: "BOOL", shape: [-1] },
      ],
      outputs: [
        { name: "whole", datatype: "INT64", shape: [-1] },
        { name: "half", datatype: "FP64", shape: [-1] },
      ],
      parameters: { digest },
    };
    expect((await app.inject("/v2/models/mixed")).json()).toEqual(expected);
    expect((await app.inject(`/v2/models/mixed/versions/${version}`)).json()).toEqual(expected);
    expect((await app.inject(`/v2/models/mixed/versions/${version}/ready`)).json()).toEqual({
      name: "mixed",
      ready: true,
    });
    const index = await app.inject({ method: "POST", url: "/v2/repository/index" });
    expect(index.json()).toMatchObject([
      { name: "mixed", state: "READY" },
      { name: "twice", state: "UNAVAILABLE" },
    ]);
  });

  test.each([
    "/v2/models/other",
    "/v2/models/other/ready",
    "/v2/models/twice/versions/7",
    "/v2/models/..%2ftwice",
  ])("is answered with 404 and an error where there is none: %s", async (url) => {
    const { app } = await server();
    const answer = await app.inject(url);
    expect(answer.statusCode).toBe(404);
    expect(answer.json()).toEqual({
      error: expect.stringMatching(/^expected a model of this server, received /),
    });
  });

  test("has no other routes", async () => {
    const { app } = await server();
    const answer = await app.inject("/v2/nothing");
    expect([answer.statusCode, answer.json()]).toEqual([
      404,
      { error: "GET /v2/nothing: there is no such route; GET /docs lists what there is" },
    ]);
  });

  test.each([
    ["GET", "/v2/models/twice/infer", "POST"],
    ["DELETE", "/v2/models/twice", "GET, HEAD"],
  ] as const)("has no %s %s, and says what there is", async (method, url, allowed) => {
    const { app } = await server();
    const answer = await app.inject({ method, url });
    expect([answer.statusCode, answer.headers["allow"]]).toEqual([405, allowed]);
    expect(answer.json()).toEqual({ error: `${method} ${url}: expected ${allowed.replace(", ", " or ")}` });
  });
});

describe("an inference", () => {
  test("carries id, version and digest", async () => {
    const { infer } = await server();
    const answer = await infer({ id: "42", inputs: [x] });
    const { digest } = answer.json().parameters;
    expect(answer.json()).toEqual({
      model_name: "twice",
      model_version: digest.slice(0, 12),
      id: "42",
      parameters: { digest },
      outputs: [{ name: "y", datatype: "FP32", shape: [1, 2], data: [3, -4] }],
    });
    expect(answer.headers).toMatchObject({
      "x-model-digest": digest,
      "x-model-version": digest.slice(0, 12),
    });
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
  });

  test("takes several inputs and answers with the outputs that were asked for", async () => {
    const { infer } = await server();
    const inputs = [
      { name: "count", shape: [2], datatype: "INT64", data: [9007199254740992, 3] },
      { data: [true, false], datatype: "BOOL", shape: [2], name: "flag" }, // in any order
    ];
    const body = JSON.stringify({ inputs, outputs: [{ name: "half" }] });
    expect((await infer(body, {}, "mixed")).json().outputs).toEqual([
      { name: "half", datatype: "FP64", shape: [2], data: [4503599627370496, 1.5] },
    ]);
    const exact = JSON.stringify({ inputs }).replace("9007199254740992", "9007199254740993");
    expect((await infer(exact, {}, "mixed")).body).toContain('"data":[9007199254740993,0]');
  });

  test("takes a body whatever its type is called, as curl sends it", async () => {
    const { infer } = await server();
    const answer = await infer({ inputs: [x] }, { "content-type": "application/x-www-form-urlencoded" });
    expect(answer.statusCode).toBe(200);
  });

  test("takes and gives binary data behind the JSON", async () => {
    const { infer } = await server();
    const header = Buffer.from(
      JSON.stringify({
        inputs: [{ name: "x", shape: [2, 2], datatype: "FP32", parameters: { binary_data_size: 16 } }],
        outputs: [{ name: "y", parameters: { binary_data: true } }],
      }),
    );
    const answer = await infer(Buffer.concat([header, float32(1, 2, 3, Number.NaN)]), {
      "content-type": "application/octet-stream",
      "inference-header-content-length": String(header.length),
    });
    expect(answer.statusCode).toBe(200);
    expect(answer.headers["content-type"]).toBe("application/octet-stream");
    const length = Number(answer.headers["inference-header-content-length"]);
    expect(JSON.parse(answer.rawPayload.subarray(0, length).toString()).outputs).toEqual([
      { name: "y", datatype: "FP32", shape: [2, 2], parameters: { binary_data_size: 16 } },
    ]);
    expect(answer.rawPayload.subarray(length)).toEqual(float32(2, 4, 6, Number.NaN));
  });

  test("gives every output as binary data with binary_data_output, but those that are asked for otherwise", async () => {
    const { infer } = await server();
    const inputs = [
      { name: "count", shape: [1], datatype: "INT64", data: [3] },
      { name: "flag", shape: [1], datatype: "BOOL", data: [true] },
    ];
    const outputs = [{ name: "whole", parameters: { binary_data: false } }, { name: "half" }];
    const answer = await infer({ parameters: { binary_data_output: true }, inputs, outputs }, {}, "mixed");
    const length = Number(answer.headers["inference-header-content-length"]);
    expect(JSON.parse(answer.rawPayload.subarray(0, length).toString()).outputs).toEqual([
      { name: "whole", datatype: "INT64", shape: [1], data: [3] },
      { name: "half", datatype: "FP64", shape: [1], parameters: { binary_data_size: 8 } },
    ]);
    expect(answer.rawPayload.subarray(length).readDoubleLE()).toBe(1.5);
  });
});

describe("a request that is wrong", () => {
  const binary = (size: number) => ({ ...x, data: undefined, parameters: { binary_data_size: size } });
  test.each([
    ["", 'body, byte 0: expected "{", received the end of the body'],
    ["{}", "body: inputs: expected a list of tensors, received nothing"],
    ["[1]", 'body, byte 0: expected "{", received "[1]"'],
    [{ inputs: [x, x] }, 'input "x": expected once, received twice'],
    [{ inputs: [{ ...x, name: undefined }] }, "inputs[0]: name: expected a text, received nothing"],
    [
      { inputs: [{ ...x, datatype: "FLOAT" }] },
      /^inputs\[0\]: datatype: expected BOOL, .*BYTES, received "FLOAT"$/,
    ],
    [
      { inputs: [{ ...x, shape: [-1, 2] }] },
      /^inputs\[0\]: shape: expected a list of whole numbers from 0, received/,
    ],
    [{ inputs: [{ ...x, shape: [1e9, 1e9] }] }, /^inputs\[0\]: shape: expected/],
    [
      { inputs: [{ ...x, data: undefined }] },
      'input "x": data: expected a list of tensors, received nothing',
    ],
    [{ inputs: [{ ...x, data: [1, "2"] }] }, /^body, byte \d+: expected a number, received "\\"2\\"/],
    [{ inputs: [binary(8)] }, 'input "x": expected 8 bytes of binary data behind the JSON, received 0'],
    [
      { inputs: [{ ...binary(8), data: [1, 2] }] },
      'input "x": expected either data or binary_data_size, received both',
    ],
    [{ inputs: [] }, 'twice: expected input "x" of FP32[batch, 2], received none'],
    [
      { inputs: [{ ...x, shape: [2, 1] }] },
      'twice: expected input "x" of FP32[batch, 2], received FP32[2, 1]',
    ],
    [{ inputs: [x], outputs: [{ name: "z" }] }, 'twice: expected output "y", received "z"'],
    [{ inputs: [x], id: 7 }, "body: id: expected a text, received 7"],
    ['{"inputs": [], "parameters": {"__proto__": 1}}', /expected other keys, received "__proto__"/],
  ] as const)("is answered with 400 and says where: %j", async (payload, message) => {
    const { infer } = await server();
    const answer = await infer(payload as object);
    expect([answer.statusCode, answer.json()]).toEqual([
      400,
      { error: typeof message === "string" ? message : expect.stringMatching(message) },
    ]);
  });

  test("is answered with its status: too large, packed, and a length that cannot be", async () => {
    const { infer } = await server({}, 1024);
    expect((await infer(Buffer.alloc(2000))).statusCode).toBe(413);
    expect((await infer({ inputs: [x] }, { "content-encoding": "gzip" })).json()).toEqual({
      error: "Content-Encoding: expected a body that is not compressed, received gzip",
    });
    expect((await infer({ inputs: [x] }, { "inference-header-content-length": "9999" })).statusCode).toBe(
      400,
    );
  });

  test("never is a mistake of ours, whatever its bytes are", async () => {
    const { app, infer } = await server();
    const valid = Buffer.from(
      JSON.stringify({ id: "1", parameters: { a: [1] }, inputs: [x], outputs: [{ name: "y" }] }),
    );
    const edited = fc
      .array(fc.tuple(fc.nat(valid.length - 1), fc.integer({ min: 0, max: 255 })), {
        minLength: 1,
        maxLength: 4,
      })
      .map((edits) => {
        const bytes = Buffer.from(valid);
        for (const [at, byte] of edits) bytes[at] = byte;
        return bytes;
      });
    const cut = fc.nat(valid.length).map((length) => valid.subarray(0, length));
    const any = fc.oneof(
      edited,
      cut,
      fc.json().map((json) => Buffer.from(json)),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    );
    await fc.assert(
      fc.asyncProperty(any, async (bytes) => {
        const answer = await infer(bytes);
        expect([200, 400]).toContain(answer.statusCode);
        if (answer.statusCode === 400) expect(answer.json()).toEqual({ error: expect.any(String) });
      }),
      { numRuns: 400 },
    );
    expect((await app.inject("/v2/health/live")).statusCode).toBe(200);
  });

  test("that is one too many is answered with 503 and when to try again", async () => {
    const { infer, models } = await server({ queueLimit: 1 });
    await models.preload("twice");
    const answers = await Promise.all(Array.from({ length: 20 }, () => infer({ inputs: [x] })));
    const refused = answers.filter(({ statusCode }) => statusCode === 503);
    expect(refused.length).toBeGreaterThan(0);
    expect(answers.length - refused.length).toBeGreaterThan(0);
    for (const { headers, json } of refused) {
      expect(headers["retry-after"]).toBe("1");
      expect(json()).toEqual({
        error: expect.stringMatching(/^twice: expected room in the queue, .* than the 1 that may wait$/),
      });
    }
  });

  test("that needs a database which cannot be reached is answered with 503 and when to try again", async () => {
    const failure = () =>
      Promise.reject(new PlatformError("unavailable", "STATE_UNAVAILABLE", "db: it could not be reached"));
    const { infer } = await server({ sources: [{ find: failure, list: failure }] });
    const answer = await infer({ inputs: [x] });
    expect([answer.statusCode, answer.headers["retry-after"]]).toEqual([503, "5"]);
    expect(answer.json()).toEqual({ error: "db: it could not be reached" });
  });

  test("may have any query, as clients of the protocol let their users add to it", async () => {
    const { app } = await server();
    const answer = await app.inject({
      method: "POST",
      url: "/v2/models/twice/infer?tenant=desk",
      payload: { inputs: [x] },
    });
    expect(answer.statusCode).toBe(200);
  });

  test("asks for JSON of what JSON cannot carry", async () => {
    const { infer } = await server();
    const answer = await infer({ inputs: [{ ...x, data: [3e38, 1] }] });
    expect([answer.statusCode, answer.json().error]).toEqual([
      400,
      'output "y": holds a value that is not finite, which JSON cannot carry; ask for it with binary_data',
    ]);
  });
});

test("a file that is replaced is served as another version", async () => {
  const { infer, models, folder } = await server();
  const before = (await infer({ inputs: [x] })).json();
  await writeFile(join(folder, "twice.onnx"), toOnnx(traceGraph({ y: mul(input("x", ["batch", 2]), 4) })));
  await models.refresh();
  const after = (await infer({ inputs: [x] })).json();
  expect(after.outputs[0].data).toEqual([6, -8]);
  expect(after.model_version).not.toBe(before.model_version);
});
