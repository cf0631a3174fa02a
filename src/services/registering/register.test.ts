import { expect, test } from "vitest";
import { type ModelVersion, type Platform, PlatformError } from "../../base/index.ts";
import { registerArtifact } from "./register.ts";

const away = new PlatformError("unavailable", "STATE_UNAVAILABLE", "db: could not be reached");
const wrapped = new Error("Failed query: insert", { cause: away });
const wrong = new PlatformError("conflict", "SIGNATURE_INVALID", "model: expected its signature");
const request = { artifact: "a", model: "spy", alias: "challenger", note: "", reason: "trained" };

/** A registry whose calls fail with these, one by one, before they do what they are asked. */
function failing(
  failures: Partial<Record<"register" | "setAlias", unknown[]>>,
  signal = new AbortController().signal,
) {
  const calls: string[] = [];
  const call = async (name: "register" | "setAlias") => {
    calls.push(name);
    const failure = failures[name]?.shift();
    if (failure !== undefined) throw failure;
  };
  const registry = {
    async register() {
      await call("register");
      return { version: { version: 7 } as ModelVersion, isNew: !calls.includes("setAlias") };
    },
    setAlias: () => call("setAlias"),
  };
  const context = {
    models: { locate: async () => "/models/a" } as never,
    platform: async () => ({ registry }) as unknown as Platform,
    logger: { info() {}, warn: (message: string) => void calls.push(message) },
    signal,
  };
  return { calls, context };
}

test("tries what is not available again by itself, and repeats nothing that was done", async () => {
  const { calls, context } = failing({ register: [away, wrapped], setAlias: [away] });
  const { version, isNew } = await registerArtifact(request, context, { waitsMs: [1, 2] });
  expect([version.version, isNew]).toEqual([7, true]);
  const said = (seconds: number) =>
    `spy: not registered yet, tried again in ${seconds} s: db: could not be reached`;
  expect(calls).toEqual([
    ...["register", said(0.001), "register", said(0.002), "register"],
    ...["setAlias", said(0.001), "setAlias"],
  ]);
});

test("gives up after its last try, and at once where trying again does not help", async () => {
  const patience = { waitsMs: [1, 1] };
  const long = failing({ register: [away, away, away] });
  await expect(registerArtifact(request, long.context, patience)).rejects.toBe(away);
  expect(long.calls.filter((one) => one === "register")).toHaveLength(3);
  const short = failing({ register: [wrong] });
  await expect(registerArtifact(request, short.context, patience)).rejects.toBe(wrong);
  expect(short.calls).toEqual(["register"]);
});

test("stops waiting when it is told to", async () => {
  const { calls, context } = failing({ register: [away] }, AbortSignal.timeout(20));
  await expect(registerArtifact(request, context, { waitsMs: [60_000] })).rejects.toMatchObject({
    code: "INTERRUPTED",
  });
  expect(calls[0]).toBe("register");
});
