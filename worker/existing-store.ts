// The store of a worker. A worker makes none, because an empty one would begin in the place of a disk that is
// not mounted yet. `dev`, `run` and `start` make stores.
import { setTimeout as sleep } from "node:timers/promises";
import { backendOf, storeOn } from "../store/index.ts";
import type { Store } from "../store/types.ts";
import { log } from "./log.ts";

const LOOK_MS = 500;

/** Waits until there is a store of that name. */
export async function existingStore(name: string, say = log): Promise<Store> {
  const backend = await backendOf(name);
  for (let said = false; ; await sleep(LOOK_MS)) {
    try {
      return await storeOn(backend, { create: false });
    } catch (error) {
      if ((error as { code?: string }).code !== "store_absent") throw error;
      if (!said)
        say(`${(error as Error).message}: waiting until it is mounted, or made by \`ratchet start\``);
      said = true;
    }
  }
}
