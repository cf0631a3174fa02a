/** A client that asks for jobs until each is acknowledged, however often the server dies meanwhile. */
import { setTimeout as sleep } from "node:timers/promises";

export interface Load {
  /** Ids of acknowledged jobs by their number. */
  readonly acknowledged: Map<number, string>;
  /** Requests that were sent again because nothing, or a refusal that may pass, came back. */
  readonly retries: () => number;
  /** Asks for no more, and resolves when every job that was asked for is acknowledged. */
  finish(): Promise<void>;
}

/** @param pauseMs between two jobs of one of `clients` */
export function startLoad(
  address: string,
  { clients, pauseMs, body }: { clients: number; pauseMs: number; body: (number: number) => object },
): Load {
  const acknowledged = new Map<number, string>();
  let next = 0;
  let retries = 0;
  let isOver = false;
  const client = async () => {
    while (!isOver) {
      const number = next++;
      for (;;) {
        const id = await ask(address, number, body(number));
        if (id !== undefined) {
          acknowledged.set(number, id);
          break;
        }
        retries++;
        await sleep(100);
      }
      await sleep(pauseMs);
    }
  };
  const running = Promise.all(Array.from({ length: clients }, client));
  return {
    acknowledged,
    retries: () => retries,
    async finish() {
      isOver = true;
      await running;
    },
  };
}

/** The id of the job, or undefined when the server could not be reached or said that it may work later. */
async function ask(address: string, number: number, body: object): Promise<string | undefined> {
  let response: Response;
  try {
    response = await fetch(`${address}/v1/toy/work`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": `job-${number}` },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    });
    if (response.status === 202) return ((await response.json()) as { task: { id: string } }).task.id;
  } catch {
    return undefined; // killed before it answered, or not there yet
  }
  const text = await response.text();
  if (response.status === 503) return undefined;
  throw new Error(`job ${number}: expected 202 or 503, received ${response.status} ${text}`);
}

/** Resolves when the server answers from its store. */
export async function isUp(address: string, patienceMs = 90_000): Promise<void> {
  const until = performance.now() + patienceMs;
  for (;;) {
    const answer = await fetch(`${address}/v1/tasks`, { signal: AbortSignal.timeout(5_000) }).catch(
      () => undefined,
    );
    if (answer?.ok) return;
    if (performance.now() > until) throw new Error(`${address} did not answer within ${patienceMs} ms`);
    await sleep(100);
  }
}
