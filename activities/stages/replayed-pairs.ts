// Pairs to train a reward model on with: those of the new labels, and a replay of old ones.
import { withReplay } from "../../campaign/labeling/replay.ts";
import type { PairRow } from "../../campaign/recipe/rows.ts";
import { deriveSeed } from "../../campaign/recipe/seeds.ts";
import type { Digest, PairReport, PairResult } from "../../campaign/types.ts";
import { resultOf, rowsOnce } from "../artifacts.ts";
import type { StageContext } from "../attempt/context.ts";
import { labeledPairs } from "./labeled-pairs.ts";

export async function replayedPairs(
  context: StageContext,
  seal: Digest,
  replay: Digest | undefined,
): Promise<{ pairs: PairRow[]; labeled: PairRow[]; report: PairReport }> {
  const { spec, place } = context;
  const { pairs: labeled, report } = await labeledPairs(context, seal, 0);
  const old = await oldPairs(context, replay);
  const seed = deriveSeed("replay", spec.seed, place);
  const pairs = withReplay(labeled, old, spec.labels?.refit?.replay ?? 0, seed);
  return { pairs, labeled, report: { ...report, pairs: pairs.length } };
}

/** Those of every earlier iteration, each once, and of the bootstrap. */
async function oldPairs({ deps: { store } }: StageContext, from: Digest | undefined): Promise<PairRow[]> {
  const old: PairRow[] = [];
  for (let at = from; at !== undefined;) {
    const { pairs, labeled, replay } = await resultOf<PairResult>(store, at);
    old.push(...(await rowsOnce<PairRow>(store, labeled ?? pairs)));
    at = replay;
  }
  return old;
}
