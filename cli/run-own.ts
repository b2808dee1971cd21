// `run` on the tree that it has started itself. It ends the tree after its campaign, when no other `run`
// of the folder uses it.
import { setTimeout as sleep } from "node:timers/promises";
import { temporalOfTree } from "../client/find.ts";
import { readStatus } from "../client/follow/status.ts";
import type { DevTree, Runs } from "../dev/index.ts";
import { drainOnSignal } from "../dev/signals.ts";
import type { Store } from "../store/types.ts";
import { connect, using } from "./context.ts";
import { EXIT } from "./exit-codes.ts";
import { printError } from "./exit.ts";
import { note } from "./output.ts";
import { followToEnd } from "./run-campaign.ts";
import type { Followed, RunPlace, RunRequest } from "./run-campaign.ts";

/** Pause between two looks at the other commands of the folder. */
export const LOOK_MS = 500;

export async function runOwn(tree: DevTree, request: RunRequest, { store, runs }: RunPlace): Promise<number> {
  const ended = new AbortController();
  const stopped = new AbortController();
  const draining = new AbortController();
  let following = true;
  const down = drainOnSignal(tree, {
    until: ended.signal,
    keep() {
      if (!following || stopped.signal.aborted || runs.others().length === 0) return false;
      stopped.abort();
      return true;
    },
    onDrain() {
      note("");
      note("saving running work, then stopping; Ctrl-C again stops at once");
      draining.abort();
      stopped.abort();
    },
  });
  try {
    const run = await runOn(tree, store, request, stopped.signal);
    following = false;
    await Promise.race([down, lastRun(tree, runs, draining.signal)]);
    ended.abort();
    await tree.drain();
    if (run.code !== undefined) return run.code;
    note(await farewell(run));
    return EXIT.detached;
  } finally {
    ended.abort();
    await tree.drain();
  }
}

/** An error is printed at once, because the command may have to wait for others that use its tree. */
async function runOn(
  tree: DevTree,
  store: string,
  request: RunRequest,
  stopped: AbortSignal,
): Promise<Followed & { store?: Store }> {
  const temporal = temporalOfTree(tree);
  const environment = process.env;
  try {
    return await using(connect({ store, temporal, createStore: false, environment }), async (client) => ({
      ...(await followToEnd(client, request, temporal, stopped)),
      store: client.store,
    }));
  } catch (error) {
    // The server was stopped under the command.
    if (stopped.aborted) return {};
    return { code: printError(error, { debug: request.globals.debug === true }) };
  }
}

/**
 * Resolves when no other `run` uses the tree, which is hidden from further ones then; or when the tree is
 * drained for them all.
 */
async function lastRun(tree: DevTree, runs: Runs, draining: AbortSignal): Promise<void> {
  for (let said = false; !draining.aborted; await sleep(LOOK_MS)) {
    const others = runs.others();
    if (others.length === 0 && tree.retire(() => runs.others().length === 0)) return;
    if (others.length > 0 && !said) {
      note(`the tree keeps running for ${nameRuns(others)}; Ctrl-C stops everything`);
      said = true;
    }
  }
}

const nameRuns = (pids: readonly number[]): string =>
  `${pids.length === 1 ? "another run" : `${pids.length} other runs`} (pid ${pids.join(", ")})`;

async function farewell({ id, store }: Followed & { store?: Store }): Promise<string> {
  if (id === undefined || store === undefined)
    return "stopped while the campaign was being started; the same command starts it";
  const { finished, status } = await readStatus(store, undefined, id);
  if (status === "completed" || status === "failed" || status === "cancelled") return `${id} ${status}`;
  return finished < 0
    ? "stopped before the bootstrap finished; the same command resumes"
    : `stopped at iteration ${finished}; the same command resumes`;
}
