// What became of one completion: its pairs, and the policies that learned from them.
import { RatchetError } from "../../errors/index.ts";
import type { Address } from "../../campaign/ids.ts";
import type { PairRow } from "../../campaign/recipe/rows.ts";
import type { GenerateResult, PairResult, ScoreResult } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import { treesFrom } from "./descent.ts";
import { finishedPlaces } from "./places.ts";
import type { FinishedPlace } from "./places.ts";
import { jsonLines, pieceRows, requireCampaign } from "./record.ts";

export interface ExplainedCompletion {
  promptId: string;
  index: number;
  /** One entry for each place that sampled an answer of this number for the prompt. */
  answers: ExplainedAnswer[];
  /** Places that were trained on one of its pairs, and others with a model that descends from theirs. */
  learned: string[];
  descended: string[];
}

export interface ExplainedAnswer {
  place: string;
  text: string;
  score?: number;
  /** In the pairs of the same place; empty if no pair was made of it. */
  pairs: { role: "chosen" | "rejected"; margin?: number }[];
}

interface AnswerRow {
  promptId: string;
  index: number;
  text: string;
  ids: number[];
  score?: number;
}

export async function explainCompletion(
  store: Store,
  address: Address,
  completion: { promptId: string; index: number },
): Promise<ExplainedCompletion> {
  const { record } = await requireCampaign(store, address.campaignId);
  const places = finishedPlaces(record);
  const asked = places.filter(
    ({ place }) =>
      address.iteration === undefined || ("iteration" in place && place.iteration === address.iteration),
  );
  const answers: ExplainedAnswer[] = [];
  for (const place of asked) answers.push(...(await answerOf(store, place, completion)));
  const name = `${completion.promptId}/${completion.index}`;
  if (answers.length === 0)
    throw new RatchetError(
      "address_unknown",
      `no finished place of ${address.campaignId} sampled completion ${name}`,
      { hint: "<prompt id>/<number of the sample>; `ratchet samples … --json` lists some" },
    );
  const learned = answers.filter(({ pairs }) => pairs.length > 0).map(({ place }) => place);
  const pairs = places.flatMap(({ name, stages }) => (learned.includes(name) && stages.pair) || []);
  const trained = await treesFrom(store, record, pairs);
  return {
    ...completion,
    answers,
    learned,
    descended: [...trained.keys()].filter((name) => !learned.includes(name)),
  };
}

async function answerOf(
  store: Store,
  { name, stages }: FinishedPlace,
  { promptId, index }: { promptId: string; index: number },
): Promise<ExplainedAnswer[]> {
  if (!stages.generate) return [];
  const isIt = (row: AnswerRow): boolean => row.promptId === promptId && row.index === index;
  const generated = await store.getJson<GenerateResult>(stages.generate);
  const answer = await findRow(store, generated, isIt);
  if (!answer) return [];
  const scores = stages.score === undefined ? undefined : await store.getJson<ScoreResult>(stages.score);
  const score = scores && (await findRow(store, scores, isIt))?.score;
  const pairs = stages.pair ? await pairsOf(store, stages.pair, answer) : [];
  return [{ place: name, text: answer.text, score, pairs }];
}

/** Reads one piece after the other. */
async function findRow(
  store: Store,
  { pieces }: Pick<GenerateResult, "pieces">,
  isIt: (row: AnswerRow) => boolean,
): Promise<AnswerRow | undefined> {
  for (const piece of pieces) {
    const found = (await pieceRows<AnswerRow>(store, [piece])).find(isIt);
    if (found) return found;
  }
  return undefined;
}

async function pairsOf(store: Store, pair: string, answer: AnswerRow): Promise<ExplainedAnswer["pairs"]> {
  const { pairs } = await store.getJson<PairResult>(pair);
  const ids = answer.ids.join(" ");
  return (await jsonLines<PairRow>(store, pairs))
    .filter(({ prompt_id }) => prompt_id === answer.promptId)
    .flatMap(({ chosen_ids, rejected_ids, margin }): ExplainedAnswer["pairs"] => [
      ...(chosen_ids?.join(" ") === ids ? [{ role: "chosen" as const, margin }] : []),
      ...(rejected_ids?.join(" ") === ids ? [{ role: "rejected" as const, margin }] : []),
    ]);
}
