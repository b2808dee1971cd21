// The questionnaire of a place: which answers are compared, from the campaign's seed. It opens once.
import { RatchetError } from "../../errors/index.ts";
import { chooseComparisons } from "../../campaign/labeling/choose.ts";
import type { Answers, Chosen } from "../../campaign/labeling/choose.ts";
import type { ComparisonRow } from "../../campaign/labeling/types.ts";
import { deriveSeed } from "../../campaign/recipe/seeds.ts";
import { labelSettingsAt } from "../../campaign/spec/labels-at.ts";
import type { LabelSettings } from "../../campaign/spec/compiled.ts";
import type { GenerateResult, ScoreResult } from "../../campaign/types.ts";
import { openQuestionnaire, readQuestionnaire } from "../../labels/questionnaires.ts";
import type { Questionnaire } from "../../labels/questionnaires.ts";
import type { Completion } from "../../runtimes/types.ts";
import { sha256 } from "../../store/index.ts";
import { stageKey, stamp } from "../address.ts";
import { pieceRows, promptsById, resultOf } from "../artifacts.ts";
import type { StageContext } from "../attempt/context.ts";
import type { LabelInput } from "../label-contract.ts";
import type { Score } from "./score.ts";

type Context = StageContext<LabelInput>;

/** Opens the questionnaire. If another attempt has opened it, that one is returned. */
export async function questionnaireOf(context: Context): Promise<Questionnaire> {
  const { store } = context.deps;
  const { campaign, answers, scores } = context.input;
  const { comparisons, choose, audit, perComparison } = settingsOf(context);
  const asked = { comparisons, audit };
  const seed = deriveSeed("questionnaire", context.spec.seed, context.place);
  const settings = { answers, scores, choose, seed, perComparison, asked };
  const { dropTruncated } = context.spec.pair;
  const key = stageKey(context, { ...settings, dropTruncated });
  const found = await readQuestionnaire(store, campaign.campaignId, key);
  if (found) return found;
  const { chosen, identical } = chooseComparisons(await groupsOf(context), {
    choose,
    ...asked,
    seed,
  });
  if (chosen.length === 0)
    throw new RatchetError("no_pairs", `no prompt of ${context.place} has two different answers to compare`, {
      hint: "raise generate.maxTokens or the temperatures, or read the answers with `ratchet samples`",
    });
  const { version, place } = stamp(context);
  return openQuestionnaire(store, campaign.campaignId, key, {
    version,
    place,
    ...settings,
    identical,
    rows: await rowsOf(context, chosen),
    facts: { ...context.facts(), openedAt: new Date().toISOString() },
  });
}

export function settingsOf({ spec, input, place }: Context): LabelSettings {
  const settings = labelSettingsAt(spec, input.place);
  if (settings) return settings;
  throw new RatchetError("unreachable_state", `the spec of ${place} asks for no labels`);
}

/** Digests in place of texts, so that memory does not depend on the length of the answers. */
async function groupsOf({ deps: { store }, input, spec }: Context): Promise<Answers[]> {
  const { pieces } = await resultOf<GenerateResult>(store, input.answers);
  const scored = input.scores ? (await resultOf<ScoreResult>(store, input.scores)).pieces : [];
  const scores = pieceRows<Score>(store, scored);
  const groups = new Map<string, Answers>();
  for await (const rows of pieceRows<Completion>(store, pieces)) {
    const own = (await scores.next()).value as Score[] | undefined;
    const byAnswer = new Map((own ?? []).map((row) => [`${row.promptId}/${row.index}`, row.score]));
    for (const { promptId, index, text, finish } of rows) {
      if (finish === "length" && spec.pair.dropTruncated) continue;
      const group = groups.get(promptId) ?? { promptId, answers: [] };
      group.answers.push({ index, text: sha256(text), score: byAnswer.get(`${promptId}/${index}`) });
      groups.set(promptId, group);
    }
  }
  return [...groups.values()];
}

/** The questions, self-contained for who labels. */
async function rowsOf(
  { deps: { store }, input }: Context,
  chosen: readonly Chosen[],
): Promise<ComparisonRow[]> {
  const { pieces, prompts: list } = await resultOf<GenerateResult>(store, input.answers);
  const prompts = await promptsById(store, list);
  const wanted = new Set(
    chosen.flatMap(({ promptId, first, second }) => [first, second].map((i) => `${promptId}/${i}`)),
  );
  const texts = new Map<string, string>();
  for await (const rows of pieceRows<Completion>(store, pieces))
    for (const { promptId, index, text } of rows)
      if (wanted.has(`${promptId}/${index}`)) texts.set(`${promptId}/${index}`, text);
  const answer = (promptId: string, index: number) => ({ index, text: texts.get(`${promptId}/${index}`)! });
  return chosen.map(({ promptId, first, second, audit }, comparison) => {
    const { prompt, messages } = prompts(promptId);
    return {
      comparison,
      promptId,
      prompt,
      messages,
      first: answer(promptId, first),
      second: answer(promptId, second),
      audit: audit ? true : undefined,
    };
  });
}
