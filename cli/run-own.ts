// `run` on the tree that it has started itself. It ends the tree after its campaign, when no other `run` of the
// folder uses it.
import { setTimeout as sleep } from "node:timers/promises";
import { temporalOfTree } from "../client/find.ts";
import { readStatus } from "../client/follow/status.ts";
import type { DevTree, Runs } from "../dev/index.ts";
import { drainOnSignal } from "../dev/signals.ts";
import { connect } from "./context.ts";
import { EXIT } from "./exit-codes.ts";
import { note } from "./output.ts";
import { followToEnd } from "./run-campaign.ts";
import type { RunPlace, RunRequest } from "./run-campaign.ts";

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
  const client = await connect({ store, temporal: temporalOfTree(tree), environment: process.env });
  try {
    const { code, id } = await followToEnd(client, request, temporalOfTree(tree), stopped.signal);
    following = false;
    await Promise.race([down, lastRun(tree, runs, draining.signal)]);
    ended.abort();
    await tree.drain();
    if (code !== undefined) return code;
    note(await farewell(client, id));
    return EXIT.detached;
  } catch (error) {
    if (!stopped.signal.aborted) throw error;
    await tree.drain();
    return EXIT.detached;
  } finally {
    ended.abort();
    await tree.drain();
    await client.close();
  }
}

/**
 * Resolves when no other `run` uses the tree, which is hidden from further ones then; or when the tree is drained
 * for them all.
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

async function farewell(
  client: { store: Parameters<typeof readStatus>[0] },
  id: string | undefined,
): Promise<string> {
  if (id === undefined) return "stopped while the campaign was being started; the same command starts it";
  const { finished, status } = await readStatus(client.store, undefined, id);
  if (status === "completed" || status === "failed" || status === "cancelled") return `${id} ${status}`;
  return finished < 0
    ? "stopped before the bootstrap finished; the same command resumes"
    : `stopped at iteration ${finished}; the same command resumes`;
}
