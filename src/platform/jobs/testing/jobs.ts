/** Jobs on a home of the state, for all tests of a group. */
import { afterAll, afterEach, beforeAll } from "vitest";
import { openState, type State } from "../../state/index.ts";
import type { Home } from "../../state/testing/homes.ts";
import { type Jobs, openJobs } from "../jobs.ts";

/**
 * Opens them before the group and removes them behind it; in between every test finds them empty.
 *
 * @param emptied the tables that are emptied, such as `fathom.jobs, fathom.workers`
 */
export function withTestJobs(
  makeHome: () => Promise<Home>,
  emptied: string,
  opened: (world: { readonly home: Home; readonly state: State; readonly jobs: Jobs }) => void,
): void {
  let home: Home;
  let state: State;
  beforeAll(async () => {
    home = await makeHome();
    state = await openState(home);
    opened({ home, state, jobs: await openJobs(state, (_, input) => input) });
  });
  afterEach(() => state.query(`truncate ${emptied} cascade`));
  afterEach(() => state.query("delete from fathom_queue.job"));
  afterAll(async () => {
    await state.close();
    await home.remove();
  });
}
