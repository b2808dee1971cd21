// `run` on the tree of another command of the folder.
import { temporalOfTree } from "../client/find.ts";
import { RatchetError } from "../errors/index.ts";
import { readDevJson } from "../dev/dev-json.ts";
import type { FoundDevJson } from "../dev/dev-json.ts";
import { connect, using } from "./context.ts";
import { EXIT } from "./exit-codes.ts";
import { note } from "./output.ts";
import { followToEnd } from "./run-campaign.ts";
import type { RunPlace, RunRequest } from "./run-campaign.ts";
import { LOOK_MS } from "./run-own.ts";
import { detachOnSignal } from "./signals.ts";

/** Undefined if the tree of another `run` has ended. A tree of `ratchet dev` is waited for. */
export async function runBeside(
  tree: FoundDevJson,
  request: RunRequest,
  { store, runs, stateDir }: RunPlace,
): Promise<number | undefined> {
  const owner = tree.pid as number;
  if (tree.store !== store) throw otherStore(tree, store);
  const temporal = temporalOfTree(tree);
  const options = { store, temporal, createStore: false, environment: process.env };
  note(`using the tree of pid ${owner}: Temporal ${tree.address}, store ${store}`);
  const watched = runs.has(owner) ? watchTree(stateDir, owner) : undefined;
  const detach = detachOnSignal();
  const signal = AbortSignal.any([detach.signal, ...(watched ? [watched.gone] : [])]);
  try {
    return await using(connect(options), async (client) => {
      const { code, id } = await followToEnd(client, request, temporal, signal);
      if (code !== undefined || !detach.signal.aborted) return code;
      note(`detached; ${id ?? "the campaign"} keeps running as long as the tree of pid ${owner}`);
      return EXIT.detached;
    });
  } catch (error) {
    if (detach.signal.aborted) return EXIT.detached;
    if (watched && !watched.alive()) return undefined;
    throw error;
  } finally {
    watched?.off();
    detach.off();
  }
}

const otherStore = ({ pid, store: served }: FoundDevJson, store: string): RatchetError =>
  new RatchetError(
    "dev_already_running",
    `the tree of pid ${pid} here serves the store ${served}, not ${store}`,
    {
      hint: "leave out --store and RATCHET_STORE, wait until that tree has ended, or run in another folder",
    },
  );

interface WatchedTree {
  /** Aborts when the tree has ended, by itself or by a kill. */
  gone: AbortSignal;
  alive(): boolean;
  off(): void;
}

function watchTree(stateDir: string, pid: number): WatchedTree {
  const gone = new AbortController();
  const alive = (): boolean => {
    const now = readDevJson(stateDir);
    return now?.alive === true && now.pid === pid;
  };
  const timer = setInterval(() => {
    if (!alive()) gone.abort();
  }, LOOK_MS);
  return { gone: gone.signal, alive, off: () => clearInterval(timer) };
}
