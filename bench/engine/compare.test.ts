import { expect, test } from "vitest";
import { factsOf } from "./compare.ts";
import type { Peer } from "./peers/peer.ts";

const torch = (matmulGflops: number): Peer => ({
  name: "pytorch",
  version: "1.13",
  blas: "libblas.so.3",
  matmulGflops,
  threadCounts: [1, 2],
  step: async () => [],
  peakMiB: () => null,
  close: async () => {},
});

test("warns of a peer whose matrix product is far below the machine's", () => {
  expect(factsOf(torch(3), 300).warning).toMatch("libopenblas0-pthread");
  expect(factsOf(torch(150), 300).warning).toBeNull();
});

test("says why a peer is absent", () => {
  const absent = { name: "pytorch", absent: "No module named 'torch'" } as const;
  expect(factsOf(absent, 300).warning).toBe("absent: No module named 'torch'");
});
