import { eq } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { installation, openState } from "./index.ts";
import { type Home, homes } from "./testing/homes.ts";

describe.each(homes)("on $name", ({ makeHome }) => {
  let home: Home;
  beforeAll(async () => {
    home = await makeHome();
  });
  afterAll(() => home.remove());

  test("keeps what was written when it is opened again", async () => {
    const updatedAt = new Date("2026-01-02T03:04:05Z");
    const first = await openState(home);
    await first.db.insert(installation).values({ name: "identity", value: { id: 7 }, updatedAt });
    await first.close();
    const second = await openState(home);
    try {
      const rows = await second.db.select().from(installation).where(eq(installation.name, "identity"));
      expect(rows).toEqual([{ name: "identity", value: { id: 7 }, updatedAt }]);
      expect(await second.query<{ n: number }>("select $1::int + 1 as n", [41])).toEqual([{ n: 42 }]);
    } finally {
      await second.close();
    }
  });

  test("gives back the connection of a transaction that cannot begin", async () => {
    const state = await openState({ ...home, connections: 1, connectTimeoutMs: 5_000 });
    try {
      const impossible = { isolationLevel: "none" as never };
      await expect(state.db.transaction(async () => {}, impossible)).rejects.toThrow("begin");
      const one = await state.db.transaction((transaction) => transaction.execute("select 1 as n"));
      expect(one).toMatchObject({ rows: [{ n: 1 }] });
    } finally {
      await state.close();
    }
  });
});
