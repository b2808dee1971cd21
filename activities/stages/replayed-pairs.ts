// Pairs to train a reward model on with: those of the new labels, and a replay of old ones. The old ones are
// those of all earlier iterations and of the bootstrap, without labels that were withdrawn before the new
// questionnaire's seal.
import { placeName } from "../../campaign/ids.ts";
import { majorities } from "../../campaign/labeling/majority.ts";
import type { Votes } from "../../campaign/labeling/majority.ts";
import { drawReplay } from "../../campaign/labeling/replay.ts";
import type { SealResult, SealRow, WithdrawnRow } from "../../campaign/labeling/types.ts";
import type { PairRow } from "../../campaign/recipe/rows.ts";
import { deriveSeed } from "../../campaign/recipe/seeds.ts";
import type { Digest, PairReport, PairResult } from "../../campaign/types.ts";
import { nameOf } from "../../labels/decided.ts";
import type { Store } from "../../store/types.ts";
import { resultOf, rowsOnce } from "../artifacts.ts";
import type { StageContext } from "../attempt/context.ts";
import { labeledPairs } from "./labeled-pairs.ts";

const BOOTSTRAP = placeName({ iteration: 0, take: 1 });

/** Pairs of one earlier place. Only the numbers of all are in memory at once, not their texts. */
interface OldPairs {
  numbers: number[];
  read(drawn: ReadonlySet<number>): Promise<PairRow[]>;
}

export async function replayedPairs(
  context: StageContext,
  seal: Digest,
  replay: Digest | undefined,
): Promise<{ pairs: PairRow[]; report: PairReport }> {
  const { spec, place, deps } = context;
  const { pairs: labeled, report } = await labeledPairs(context, seal, 0);
  const old = await oldPairs(context, replay, await withdrawnBefore(deps.store, seal));
  const wanted = Math.round((spec.labels?.refit?.replay ?? 0) * labeled.length);
  const all = old.flatMap(({ numbers }, at) => numbers.map((number) => ({ at, number })));
  const drawn = drawReplay(all, wanted, deriveSeed("replay", spec.seed, place));
  const pairs = [...labeled];
  for (const [at, { read }] of old.entries()) {
    const numbers = new Set(drawn.filter((one) => one.at === at).map(({ number }) => number));
    if (numbers.size > 0) pairs.push(...(await read(numbers)));
  }
  return { pairs, report: { ...report, pairs: pairs.length } };
}

async function withdrawnBefore(store: Store, seal: Digest): Promise<Set<string>> {
  const { withdrawn } = await resultOf<SealResult>(store, seal);
  const rows = withdrawn === undefined ? [] : await rowsOnce<WithdrawnRow>(store, withdrawn);
  return new Set(rows.map(({ label }) => label));
}

async function oldPairs(
  context: StageContext,
  from: Digest | undefined,
  withdrawn: ReadonlySet<string>,
): Promise<OldPairs[]> {
  const { store } = context.deps;
  const old: OldPairs[] = [];
  for (let at = from; at !== undefined;) {
    const { place, source, pairs, replay }: PairResult = await resultOf<PairResult>(store, at);
    const isFile = place === BOOTSTRAP && context.spec.bootstrap.preferences !== undefined;
    old.push(isFile ? await ofFile(store, pairs) : await ofSeal(context, source, withdrawn));
    at = replay;
  }
  return old;
}

async function ofFile(store: Store, blob: Digest): Promise<OldPairs> {
  const count = (await rowsOnce<PairRow>(store, blob)).length;
  return {
    numbers: Array.from({ length: count }, (_, i) => i),
    read: async (drawn) => (await rowsOnce<PairRow>(store, blob)).filter((_, i) => drawn.has(i)),
  };
}

async function ofSeal(
  context: StageContext,
  seal: Digest,
  withdrawn: ReadonlySet<string>,
): Promise<OldPairs> {
  const { store } = context.deps;
  const decided = (rows: readonly SealRow[], questionnaire: Digest): [number, Votes][] =>
    [...majorities(rows.filter((row) => !withdrawn.has(nameOf(questionnaire, row))))].filter(
      ([, { balance }]) => balance !== 0,
    );
  const { questionnaire, labels } = await resultOf<SealResult>(store, seal);
  return {
    numbers: decided(await rowsOnce<SealRow>(store, labels), questionnaire).map(([comparison]) => comparison),
    async read(drawn) {
      const votesOf = (rows: readonly SealRow[]) =>
        new Map(decided(rows, questionnaire).filter(([comparison]) => drawn.has(comparison)));
      return (await labeledPairs(context, seal, 0, votesOf)).pairs;
    },
  };
}
