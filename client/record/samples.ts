// `samples`: answers of a campaign's policies, for people to read. By default the test answers of π_0 and of
// the addressed policy side by side. If the address has a stage, the rows of that stage: completions, scored
// completions or pairs.
import { RatchetError } from "../../errors/index.ts";
import type { Address } from "../../campaign/ids.ts";
import type { PairRow } from "../../campaign/recipe/rows.ts";
import type {
  CampaignRecord,
  Digest,
  EvaluateResult,
  GenerateResult,
  PairResult,
} from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import { evaluated, generated } from "./answers.ts";
import type { PromptSamples, SampleAnswer } from "./answers.ts";
import { placeOf, stageDigest } from "./places.ts";
import type { FinishedPlace } from "./places.ts";
import { jsonLines, requireCampaign } from "./record.ts";

/** Answers to the same prompts. */
export interface SideBySide {
  kind: "before-after";
  before: string;
  after: string;
  rows: { promptId: string; prompt: string; before: SampleAnswer; after: SampleAnswer }[];
}

export type Samples =
  | SideBySide
  | { kind: "completions"; place: string; rows: PromptSamples[] }
  | { kind: "pairs"; place: string; rows: PairRow[] };

export interface SampleOptions {
  /** Prompts or pairs to show. */
  limit: number;
  /** Prompts or pairs to skip first. */
  offset?: number;
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
      return completions(store, place, address.stage, options);
    default:
      throw new RatchetError("address_invalid", `${address.stage} leaves no samples`, {
        hint: "generate, score, pair and evaluate do",
      });
  }
}

function beforeAfter(
  store: Store,
  record: CampaignRecord,
  after: FinishedPlace,
  options: SampleOptions,
): Promise<SideBySide> {
  const before = placeOf(record, { campaignId: record.campaignId, iteration: 0 });
  return sideBySide(store, before, after, options);
}

/** First answers to the prompts of both. In two campaigns, the same id may be of other prompts. */
export async function sideBySide(
  store: Store,
  before: FinishedPlace,
  after: FinishedPlace,
  options: SampleOptions,
): Promise<SideBySide> {
  const same = (await promptsOf(store, before)) === (await promptsOf(store, after));
  const needed = same ? options.limit + (options.offset ?? 0) : Infinity;
  const [first, second] = [await evaluated(store, before, needed), await evaluated(store, after, needed)];
  const keyOf = ({ promptId, prompt }: PromptSamples): string => (same ? promptId : prompt);
  const old = new Map(first.map((group) => [keyOf(group), group.answers[0]]));
  const rows = second.flatMap((group) => {
    const {
      promptId,
      prompt,
      answers: [now],
    } = group;
    const then = old.get(keyOf(group));
    return then && now ? [{ promptId, prompt, before: then, after: now }] : [];
  });
  return { kind: "before-after", before: before.name, after: after.name, rows: cut(rows, options) };
}

async function promptsOf(store: Store, place: FinishedPlace): Promise<Digest> {
  const { answers } = await store.getJson<EvaluateResult>(stageDigest(place, "evaluate"));
  return (await store.getJson<GenerateResult>(answers)).prompts;
}

async function completions(
  store: Store,
  place: FinishedPlace,
  stage: "generate" | "score" | "evaluate",
  options: SampleOptions,
): Promise<Samples> {
  const { limit, offset = 0 } = options;
  const groups = await (stage === "evaluate"
    ? evaluated(store, place, limit + offset)
    : generated(store, place, stage));
  return { kind: "completions", place: place.name, rows: cut(groups, options) };
}

const cut = <T>(rows: T[], { limit, offset = 0 }: SampleOptions): T[] => rows.slice(offset, offset + limit);
