// label: comparisons of a policy's answers for people, or for a module that acts as people. The
// questionnaire opens once; each label is an object of its own; one seal closes it (docs/labels.md).
import { labelDecisions, withdrawnLabels } from "../../campaign/labeling/ledger-rules.ts";
import type { ComparisonRow, Given, Opinion } from "../../campaign/labeling/types.ts";
import { deriveSeed } from "../../campaign/recipe/seeds.ts";
import type { LedgerEvent } from "../../campaign/types.ts";
import { askedOf, costsOf } from "../../labels/api-labels.ts";
import { Giver } from "../../labels/give.ts";
import { comparisonsOf, readSeal } from "../../labels/questionnaires.ts";
import { countingRows, countsOf } from "../../labels/seal-rows.ts";
import { sealQuestionnaire } from "../../labels/seal.ts";
import { recordedSeal } from "../../labels/seal-again.ts";
import type { StageContext } from "../attempt/context.ts";
import type { StageDone } from "../contract.ts";
import type { LabelInput, LabelsCounted } from "../label-contract.ts";
import { askLabelers } from "../judging.ts";
import { labelByApi } from "./label-by-api.ts";
import { questionnaireOf, settingsOf } from "./questionnaire.ts";

type Context = StageContext<LabelInput>;

/** Comparisons that the module is asked at once, and asked again at most after a crash. */
const ASKED_AT_ONCE = 64;

/** Opens the questionnaire if it is not open yet, and counts its labels. */
export async function countLabels(context: Context): Promise<LabelsCounted> {
  const { store } = context.deps;
  const questionnaire = await questionnaireOf(context);
  const { count, perComparison } = questionnaire.result;
  const slots = count * perComparison;
  if (await readSeal(store, questionnaire, context.repairs)) return { labels: slots, slots, state: "closed" };
  const ledger = await rowsOf(context);
  const { labels, trained } = countsOf(await countingRows(store, questionnaire, withdrawnLabels(ledger)));
  const { deadlineMs, minimum, api } = settingsOf(context);
  if (labels === slots) return { labels, slots, state: "closed" };
  const { extendedMs, accepted } = labelDecisions(ledger, context.place);
  if (accepted) return { labels, slots, state: "closed" };
  const missing = trained >= minimum ? undefined : { trained, minimum, extendedMs };
  // It has been asked everything, so there is nothing to wait for.
  if (api !== undefined) return { labels, slots, state: missing ? "short" : "closed", missing };
  if (deadlineMs === undefined) return { labels, slots, state: "open" };
  const leftMs = Date.parse(questionnaire.openedAt) + deadlineMs + extendedMs - Date.now();
  if (leftMs > 0) return { labels, slots, state: "open", leftMs };
  return { labels, slots, state: missing ? "short" : "closed", missing };
}

/** Asks the module for each label that is missing; those of an earlier attempt are not asked again. */
export async function label(context: Context): Promise<StageDone> {
  const { store } = context.deps;
  const questionnaire = await questionnaireOf(context);
  const withdrawn = withdrawnLabels(await rowsOf(context));
  const { api } = settingsOf(context);
  if (api !== undefined) return labelByApi(context, questionnaire, { name: api, withdrawn });
  const { count, perComparison, seed } = questionnaire.result;
  const total = count * perComparison;
  const rows = await countingRows(store, questionnaire, withdrawn);
  const given = new Set(rows.map(({ comparison, slot }) => `${comparison}/${slot}`));
  const giver = new Giver(
    store,
    questionnaire,
    { repairs: context.repairs, withdrawn },
    { skipOlder: false },
  );
  await giver.listAll();
  let done = given.size;
  const ask = async (asked: Asked[]): Promise<void> => {
    context.signal.throwIfAborted();
    const answers = await askLabelers(context, asked.map(question));
    const at = new Date().toISOString();
    await Promise.all(asked.map((one, i) => giver.give(labelOf(one, answers[i]!, at))));
    done += asked.length;
    context.onProgress({ done, total, unit: "labels" });
  };
  let waiting: Asked[] = [];
  for await (const row of comparisonsOf(store, questionnaire))
    for (let slot = 0; slot < perComparison; slot += 1) {
      if (given.has(`${row.comparison}/${slot}`)) continue;
      waiting.push({ row, slot, seed: deriveSeed("labeler", seed, row.comparison, slot) });
      if (waiting.length < ASKED_AT_ONCE) continue;
      await ask(waiting);
      waiting = [];
    }
  if (waiting.length > 0) await ask(waiting);
  return { digest: questionnaire.digest, values: { labels: done } };
}

/** The ledger now. */
const rowsOf = ({ deps: { store }, input }: Context): Promise<{ event: LedgerEvent }[]> =>
  store.ledger(input.campaign.campaignId).follow<LedgerEvent>();

interface Asked {
  row: ComparisonRow;
  slot: number;
  /** Of the labeler's own noise. */
  seed: string;
}

const question = ({ row: { promptId: id, prompt, messages, first, second }, seed }: Asked) => ({
  prompt: { id, prompt, messages },
  first: { text: first.text, finish: "eos" as const },
  second: { text: second.text, finish: "eos" as const },
  seed,
});

/** Each slot has a labeler of its own, as with people. */
const labelOf = ({ row, slot }: Asked, opinion: Opinion, at: string): Given => ({
  comparison: row.comparison,
  labeler: `module-${slot}`,
  ...opinion,
  at,
  shown: "first",
});

/** Closes the questionnaire; the digest is the seal's. */
export async function sealLabels(context: Context): Promise<StageDone> {
  const questionnaire = await questionnaireOf(context);
  const { store } = context.deps;
  const costs = costsOf(await askedOf(store, questionnaire));
  const { digest, result } = await sealQuestionnaire(store, questionnaire, {
    repairs: context.repairs,
    withdrawn: async () => withdrawnLabels(await rowsOf(context)),
    recorded: recordedSeal(await rowsOf(context), context.place),
    facts: context.facts(costs.length > 0 ? { api: costs } : {}),
  });
  return { digest, values: { labels: result.counts.labels, trained: result.counts.trained } };
}
