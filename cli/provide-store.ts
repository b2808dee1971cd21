// The store of `dev`, `run` and `start` on this machine. One that dev.json names has existed: if it is not
// there, its disk is not mounted or its folder was moved, and none is made in its place.
import { readDevJson } from "../dev/dev-json.ts";
import type { DevJson } from "../dev/dev-json.ts";

/** `found`: of the folder's dev.json, if there is one. */
export const mayMakeStore = (name: string, found: Pick<DevJson, "store"> | undefined): boolean =>
  found?.store !== name;

/** Makes the store before dev.json names it. Does not look for one that it names: the worker waits for it. */
export async function provideStore(name: string, stateDir: string): Promise<void> {
  if (!mayMakeStore(name, readDevJson(stateDir))) return;
  const { openStore } = await import("../store/index.ts");
  await openStore(name);
}
