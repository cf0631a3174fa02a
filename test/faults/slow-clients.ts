/** Clients that send half a request and wait, and readers of event streams who do not read. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Served } from "./served.ts";

export interface SlowClientsResult {
  readonly clients: number;
  /** Requests of others that were answered with success meanwhile, of so many. */
  readonly answered: number;
  readonly asked: number;
  /** State of a job that others asked for meanwhile. */
  readonly job: string;
  /** Connections that were left when the slow ones had gone. */
  readonly left: number;
}

export async function crawl({ address, app }: Served, clients: number): Promise<SlowClientsResult> {
  const { hostname, port } = new URL(address);
  const open = async (text: string): Promise<Socket> => {
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on("error", () => {});
    await once(socket, "connect");
    socket.write(text);
    socket.pause();
    return socket;
  };
  const post = (body: object) =>
    fetch(`${address}/v1/toy/work`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const watched = (
    (await (await post({ number: 1, ms: 300 })).json()) as { task: { events: string; href: string } }
  ).task;
  const sockets: Socket[] = [];
  for (let i = 0; i < clients; i++) {
    sockets.push(
      await open(
        i % 2 === 0
          ? "POST /v1/toy/echo HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"
          : `GET ${watched.events} HTTP/1.1\r\nhost: a\r\n\r\n`,
      ),
    );
  }
  let answered = 0;
  const asked = 50;
  for (let i = 0; i < asked; i++) {
    const response = await fetch(`${address}/v1/toy/echo`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: '{"text":"a"}',
    });
    if (response.ok) answered++;
    await response.arrayBuffer();
  }
  let job = "queued";
  while (["queued", "running"].includes(job)) {
    job = ((await (await fetch(address + watched.href)).json()) as { task: { status: string } }).task.status;
    await sleep(20);
  }
  for (const socket of sockets) socket.destroy();
  const count = () =>
    new Promise<number>((resolve) => app.server.getConnections((_, number) => resolve(number)));
  let left = await count();
  for (let i = 0; i < 100 && left > 2; i++) {
    await sleep(50);
    left = await count();
  }
  return { clients, answered, asked, job, left };
}
