import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts", "bench/**/*.test.ts"],
    // Two cores, and ONNX Runtime uses both: two files at a time keep every test well inside its limit.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "forks",
    setupFiles: ["test/support/properties.ts"],
    globalSetup: ["test/support/postgres-server.ts"],
  },
});
