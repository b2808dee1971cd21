// `samples`: answers of a campaign's policies, for people to read. By default the test answers of π_0 and of
// the addressed policy side by side. If the address has a stage, the rows of that stage: completions, scored
// completions or pairs.
import { RatchetError } from "../../errors/index.ts";
import type { Address } from "../../campaign/ids.ts";
import type { Finish } from "../../campaign/spec/modules.ts";
import { promptContent } from "../../campaign/recipe/rows.ts";
import type { PairRow, PromptRow } from "../../campaign/recipe/rows.ts";
import type {
  CampaignRecord,
  Digest,
  EvaluateResult,
  GenerateResult,
  PairResult,
  ScoreResult,
} from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import { placeOf, stageDigest } from "./places.ts";
import type { FinishedPlace } from "./places.ts";
import { jsonLines, pieceRows, readSpec, requireCampaign } from "./record.ts";

interface SampleAnswer {
  text: string;
  finish: Finish;
  temperature: number;
  /** The true reward if it is known, else the proxy's; absent if nothing scored the answer. */
  score?: number;
}

export interface PromptSamples {
  promptId: string;
  prompt: string;
  answers: SampleAnswer[];
}

export type Samples =
  | {
      kind: "before-after";
      before: string;
      after: string;
      rows: { promptId: string; prompt: string; before: SampleAnswer; after: SampleAnswer }[];
    }
  | { kind: "completions"; place: string; rows: PromptSamples[] }
  | { kind: "pairs"; place: string; rows: PairRow[] };

export interface SampleOptions {
  /** Prompts or pairs to show. */
  limit: number;
  /** Prompts or pairs to skip first. */
  offset?: number;
}

interface AnswerRow {
  promptId: string;
  index: number;
  text: string;
  finish: Finish;
  temperature: number;
  proxy?: number;
  gold?: { total: number };
}

export async function readSamples(store: Store, address: Address, options: SampleOptions): Promise<Samples> {
  const { record } = await requireCampaign(store, address.campaignId);
  const place = placeOf(record, address);
  switch (address.stage) {
    case undefined:
      return beforeAfter(store, record, place, options);
    case "pair": {
      const { pairs } = await store.getJson<PairResult>(stageDigest(place, "pair"));
      return { kind: "pairs", place: place.name, rows: cut(await jsonLines<PairRow>(store, pairs), options) };
    }
    case "generate":
    case "score":
    case "evaluate":
      return completions(store, record, place, address.stage, options);
    default:
      throw new RatchetError("address_invalid", `${address.stage} leaves no samples`, {
        hint: "generate, score, pair and evaluate do",
      });
  }
}

async function beforeAfter(
  store: Store,
  record: CampaignRecord,
  after: FinishedPlace,
  options: SampleOptions,
): Promise<Samples> {
  const before = placeOf(record, { campaignId: record.campaignId, iteration: 0 });
  const [first, second] = [await evaluated(store, record, before), await evaluated(store, record, after)];
  const rows = cut(second, options).flatMap(({ promptId, prompt, answers }) => {
    const [old] = first.find((group) => group.promptId === promptId)?.answers ?? [];
    const [now] = answers;
    return old && now ? [{ promptId, prompt, before: old, after: now }] : [];
  });
  return { kind: "before-after", before: before.name, after: after.name, rows };
}

async function completions(
  store: Store,
  record: CampaignRecord,
  place: FinishedPlace,
  stage: "generate" | "score" | "evaluate",
  options: SampleOptions,
): Promise<Samples> {
  const groups =
    stage === "evaluate" ? await evaluated(store, record, place) : await generated(store, place, stage);
  return { kind: "completions", place: place.name, rows: cut(groups, options) };
}

async function evaluated(
  store: Store,
  record: CampaignRecord,
  place: FinishedPlace,
): Promise<PromptSamples[]> {
  const result = await store.getJson<EvaluateResult>(stageDigest(place, "evaluate"));
  const prompts = (await readSpec(store, record)).prompts[result.split].rows;
  return grouped(
    store,
    prompts,
    await pieceRows<AnswerRow>(store, result.pieces),
    ({ gold, proxy }) => gold?.total ?? proxy,
  );
}

async function generated(
  store: Store,
  place: FinishedPlace,
  stage: "generate" | "score",
): Promise<PromptSamples[]> {
  const scored =
    stage === "score" ? await store.getJson<ScoreResult>(stageDigest(place, "score")) : undefined;
  const result = await store.getJson<GenerateResult>(scored?.completions ?? stageDigest(place, "generate"));
  const rows = await pieceRows<AnswerRow>(store, result.pieces);
  const scores = scored
    ? await pieceRows<{ promptId: string; index: number; score: number }>(store, scored.pieces)
    : [];
  const scoreOf = new Map(scores.map(({ promptId, index, score }) => [`${promptId}/${index}`, score]));
  return grouped(store, result.prompts, rows, ({ promptId, index }) => scoreOf.get(`${promptId}/${index}`));
}

/** Answers by prompt, in the order of the rows. */
async function grouped(
  store: Store,
  prompts: Digest,
  rows: AnswerRow[],
  scoreOf: (row: AnswerRow) => number | undefined,
): Promise<PromptSamples[]> {
  const texts = new Map((await jsonLines<PromptRow>(store, prompts)).map((row) => [row.id, promptText(row)]));
  const groups = new Map<string, PromptSamples>();
  for (const row of rows) {
    const { promptId, text, finish, temperature } = row;
    const group = groups.get(promptId) ?? { promptId, prompt: texts.get(promptId) ?? promptId, answers: [] };
    group.answers.push({ text, finish, temperature, score: scoreOf(row) });
    groups.set(promptId, group);
  }
  return [...groups.values()];
}

const cut = <T>(rows: T[], { limit, offset = 0 }: SampleOptions): T[] => rows.slice(offset, offset + limit);

/** The prompt as one text; a conversation has one line a turn. */
export function promptText(row: { prompt?: string; messages?: { role: string; content: string }[] }): string {
  const content = promptContent(row);
  return typeof content === "string"
    ? content
    : content.map((turn) => `${turn.role}: ${turn.content}`).join("\n");
}
