import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { openState, type State } from "../index.ts";
import { embeddedHome, type Home } from "../testing/homes.ts";
import { holderOf } from "./lock.ts";

let home: Home;
let state: State;
beforeEach(async () => {
  home = await embeddedHome();
  state = await openState({ ...home, what: "a test" });
  await state.query("create table written (writer text, n int, primary key (writer, n))");
});
afterEach(async () => {
  await state.close();
  await home.remove();
});

const count = async () => (await state.query<{ n: number }>("select count(*)::int as n from written"))[0].n;

test("passes from one holder to the next without losing or repeating a statement", async () => {
  const other = await openState({ ...home, what: "another" });
  let going = true;
  let acknowledged = 0;
  const writing = (async () => {
    for (; going; acknowledged++)
      await other.query("insert into written values ('other', $1)", [acknowledged]);
  })();
  await sleep(100);
  await state.close();
  await sleep(100);
  going = false;
  await writing;
  expect(await holderOf(home.folder, "database")).toMatchObject({ what: "another" });
  expect(await other.query("select count(*)::int as n from written")).toEqual([{ n: acknowledged }]);
  expect(acknowledged).toBeGreaterThan(0);
  await other.close();
});

function writer(name: string, limit = "Infinity"): { child: ChildProcess; acknowledged: () => number } {
  const file = fileURLToPath(new URL("../testing/writer.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", "tsx", file, home.folder, name, limit], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let text = "";
  child.stdout?.on("data", (data) => {
    text += data;
  });
  // The last line may be cut; a number counts when its line is whole.
  return { child, acknowledged: () => Math.max(0, text.split("\n").length - 2) };
}

test("loses no acknowledged write when its holder is killed, again and again", async () => {
  await state.close();
  let expected = 0;
  for (let round = 0; round < 3; round++) {
    const holder = writer(`holder ${round}`);
    await once(holder.child.stdout as NodeJS.ReadableStream, "data");
    while (holder.acknowledged() === 0) await sleep(5);
    await sleep(60 * round);
    holder.child.kill("SIGKILL");
    await once(holder.child, "close");
    state = await openState({ ...home, what: "a test" });
    const acknowledged = holder.acknowledged();
    const written = await count();
    // The one statement that was under way may or may not have been carried out.
    expect(written - expected - acknowledged).toBeOneOf([0, 1]);
    expect(acknowledged).toBeGreaterThan(0);
    expected = written;
    await state.close();
  }
});

test("is shared by processes, and goes on in another when the holder is killed", async () => {
  await state.close();
  const holder = writer("holder");
  await once(holder.child.stdout as NodeJS.ReadableStream, "data");
  state = await openState({ ...home, what: "a test" });
  expect(await holderOf(home.folder, "database")).toMatchObject({ what: "writer holder" });
  holder.child.kill("SIGKILL");
  await once(holder.child, "close");
  // The statement that meets the death fails as unavailable; the next one opens the database here.
  await count().catch((error) => expect(error).toMatchObject({ code: "STATE_UNAVAILABLE" }));
  expect(await count()).toBeGreaterThanOrEqual(holder.acknowledged());
  expect(await holderOf(home.folder, "database")).toMatchObject({ what: "a test" });
});
