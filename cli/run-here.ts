// `run` without a configured server. The first `run` of a folder starts a server and a worker; others that
// come meanwhile use them, and so does a `run` beside `ratchet dev`. The tree of a `run` ends with the
// last `run` of the folder. If it ends earlier, one of the others starts it again on the same state.
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { findStoreName } from "../client/find.ts";
import { findDevJson, readDevJson, STATE_FOLDER } from "../dev/dev-json.ts";
import type { FoundDevJson } from "../dev/dev-json.ts";
import type { DevTree } from "../dev/index.ts";
import { joinRuns } from "../dev/runs.ts";
import { bringUp } from "./bring-up.ts";
import { findOptions } from "./context.ts";
import { note } from "./output.ts";
import { provideStore } from "./provide-store.ts";
import { runBeside } from "./run-beside.ts";
import type { RunPlace, RunRequest } from "./run-campaign.ts";
import { LOOK_MS, runOwn } from "./run-own.ts";

/** Uses the folder and store of an earlier run here, so that the same command resumes it. */
export async function runHere(request: RunRequest): Promise<number> {
  const stateDir = findDevJson()?.stateDir ?? resolve(STATE_FOLDER);
  const store = findStoreName(findOptions(request.globals)) ?? `dir:${resolve(stateDir, "store")}`;
  const runs = joinRuns(stateDir);
  const place = { stateDir, store, runs };
  try {
    for (;;) {
      const found = await findOrBringUp(place);
      const code = await ("alive" in found
        ? runBeside(found, request, place)
        : runOwn(found, request, place));
      if (code !== undefined) return code;
      note("the tree has ended; starting it again here");
    }
  } finally {
    runs.leave();
  }
}

/** Waits for a tree that another command starts or ends right now. */
async function findOrBringUp({ stateDir, store }: RunPlace): Promise<FoundDevJson | DevTree> {
  for (let said = false; ; await sleep(LOOK_MS)) {
    const running = readDevJson(stateDir);
    if (running?.alive) return running;
    try {
      await provideStore(store, stateDir);
      const tree = await bringUp({ stateDir, store, ui: true });
      if (tree.uiUrl) note(`Temporal ${tree.address}, web UI ${tree.uiUrl}, store ${store}`);
      return tree;
    } catch (error) {
      if ((error as { code?: string }).code !== "dev_already_running") throw error;
      if (!said) note(`${(error as Error).message}: waiting for it`);
      said = true;
    }
  }
}
