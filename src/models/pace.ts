/**
 * Steps of one call to the workers: as many as take a tenth of a second, so that calls cost nothing, while progress and a wish to stop
 * wait no longer than that; 256 at most, whose batches are small in memory.
 *
 * @example
 * stepsPerCall(0.2); // => 256
 * stepsPerCall(10); // => 10
 * stepsPerCall(400); // => 1
 */
export function stepsPerCall(millisecondsPerStep: number): number {
  return Math.max(1, Math.min(256, Math.round(100 / millisecondsPerStep)));
}
