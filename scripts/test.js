// `npm test`: the set-up, then every test, or those that the arguments name. The last line on standard output is
// `N passed, N failed` (and `, N skipped` when some were), for people and for scripts.
import { root, setUp } from "./setup.js";

await setUp();
process.chdir(root);
// Imported by hand because it may only just have been installed. In this process, so that a signal has one receiver.
const { parseCLI, startVitest } = await import("vitest/node");
const { filter, options } = parseCLI(["vitest", "run", ...process.argv.slice(2)]);
const counts = { passed: 0, failed: 0, skipped: 0 };
try {
  const vitest = await startVitest("test", filter, { ...options, run: true, watch: false });
  const errors = count(vitest);
  await vitest.close();
  if (counts.passed + counts.failed + counts.skipped === 0 && errors === 0) {
    process.stderr.write("error TESTS_NONE: no test matches what was asked for\n");
    counts.failed = options.passWithNoTests ? 0 : 1;
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
  counts.failed++;
}
const status = counts.failed > 0 ? 1 : Number(process.exitCode ?? 0);
// Said outright, so that nothing that a test has loaded decides about it.
process.stdout.write(
  `${counts.passed} passed, ${counts.failed} failed${counts.skipped > 0 ? `, ${counts.skipped} skipped` : ""}\n`,
  () => process.exit(status),
);

/** Counts tests; a file that could not be read and an error outside of any test are failures too. */
function count(vitest) {
  for (const file of vitest.state.getTestModules()) {
    for (const test of file.children.allTests())
      counts[test.result().state === "pending" ? "skipped" : test.result().state]++;
    if (file.state() === "failed" && ![...file.children.allTests("failed")].length) counts.failed++;
  }
  const errors = vitest.state.getUnhandledErrors().length;
  counts.failed += errors;
  return errors;
}
