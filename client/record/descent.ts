// What descends from a result: the trees that were trained on it, and all that came of those.
import { namesIn } from "../../campaign/names.ts";
import type { CampaignRecord, Digest, StageDigests } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import { finishedPlaces } from "./places.ts";
import type { FinishedPlace } from "./places.ts";

/** Stages whose results a policy is made of, in recipe order. */
const LEARNING: readonly (keyof StageDigests)[] = [
  "sft",
  "generate",
  "score",
  "label",
  "replay",
  "refit",
  "rescore",
  "pair",
  "reward",
  "train",
];

/** By place: trees that were trained on one of these results, or on answers or scores of such a tree. */
export async function treesFrom(
  store: Store,
  record: CampaignRecord,
  results: readonly Digest[],
): Promise<Map<string, Digest[]>> {
  const tainted = new Set<Digest>(results);
  const trees = new Map<string, Digest[]>();
  for (const place of finishedPlaces(record)) {
    const made = await treesOf(store, place, tainted);
    if (made.length > 0) trees.set(place.name, made);
  }
  return trees;
}

/** Adds to `tainted` the place's results that name a tainted digest, and the trees that these made. */
async function treesOf(store: Store, { stages }: FinishedPlace, tainted: Set<Digest>): Promise<Digest[]> {
  const trees: Digest[] = [];
  for (const stage of LEARNING) {
    const digest = stages[stage];
    if (digest === undefined) continue;
    const names = namesIn(await store.getJson(digest));
    if (!tainted.has(digest) && !names.some((name) => tainted.has(name.digest))) continue;
    tainted.add(digest);
    for (const { kind, maker, digest: tree } of names)
      if (kind === "tree" && maker === "itself") {
        tainted.add(tree);
        trees.push(tree);
      }
  }
  return trees;
}
