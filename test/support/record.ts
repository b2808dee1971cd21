// Reads of a campaign's record for tests.
import type { Store } from "../../store/types.ts";

/** Keys below campaigns/<id>/<prefix>. */
export async function keysUnder(store: Store, campaignId: string, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of store.backend.list(`campaigns/${campaignId}/${prefix}`)) keys.push(key);
  return keys;
}

export interface Recorded<R, F> {
  key: string;
  result: R;
  facts: F;
}

/** Manifests below campaigns/<id>/results/<prefix>. */
export async function manifestsUnder<R = unknown, F = Record<string, unknown>>(
  store: Store,
  campaignId: string,
  prefix: string,
): Promise<Recorded<R, F>[]> {
  const found: Recorded<R, F>[] = [];
  for (const key of await keysUnder(store, campaignId, `results/${prefix}`)) {
    const read = await store.readManifest<{ result: R; facts: F }>(key);
    if (read) found.push({ key, result: read.manifest.result, facts: read.manifest.facts });
  }
  return found;
}

/** Step of the newest checkpoint below campaigns/<id>/<prefix>; 0 before the first. */
export async function newestStep(store: Store, campaignId: string, prefix: string): Promise<number> {
  const last = (await keysUnder(store, campaignId, prefix)).at(-1);
  return last === undefined ? 0 : Number(/step-(\d+)\.json$/.exec(last)?.[1]);
}
