// Preference data for the reward model: rows of a file checked and filtered with counted reasons (recipe.md §1.2, §1.4), or pairs
// made from a rater's labels. What cannot be understood at all is an error with its line; what is merely poor is dropped and counted.
import type { PairReport } from "../types.ts";
import { splitText } from "./implicit-prompt.ts";
import { summary } from "./pairing.ts";
import type { Candidate } from "./pairing.ts";
import { Random } from "./random.ts";
import { answerContent, contentDigest, promptContent } from "./rows.ts";
import type { RowOf } from "./row-schema.ts";
import type { Message, PairRow, PromptContent, PromptRow } from "./rows.ts";
import { deriveSeed } from "./seeds.ts";

/** Why a row of preferences was left out. kept + all of these = rows. */
export type PreferenceDrop =
  | "not_alternating"
  | "empty_turn"
  | "history_differs"
  | "identical_answers"
  | "label_contradicts_scores"
  | "small_margin"
  | "duplicate";

export interface FilteredPreferences {
  pairs: PairRow[];
  dropped: Record<PreferenceDrop, number>;
}

/** `minMargin`: rows whose two scores are nearer than this are dropped; rows without scores pass. */
export function filterPreferences(
  rows: readonly RowOf<"preference">[],
  { minMargin }: { minMargin: number },
): FilteredPreferences {
  const dropped: Record<PreferenceDrop, number> = {
    not_alternating: 0,
    empty_turn: 0,
    history_differs: 0,
    identical_answers: 0,
    label_contradicts_scores: 0,
    small_margin: 0,
    duplicate: 0,
  };
  const seen = new Set<string>();
  const pairs: PairRow[] = [];
  for (const given of rows) {
    const row = conversations(given);
    const reason = poor(row, minMargin) ?? (remember(seen, row) ? undefined : "duplicate");
    if (reason) dropped[reason] += 1;
    else pairs.push(tidy(row));
  }
  return { pairs, dropped };
}

interface ParsedRow {
  chosen: Message[];
  rejected: Message[];
  /** Text rows have no roles to check and keep their strings. */
  text: boolean;
  promptTurns: number;
  chosenScore?: number;
  rejectedScore?: number;
}

/** Both sides as whole conversations, whichever of TRL's forms the row came in. */
function conversations({
  prompt,
  chosen,
  rejected,
  chosen_score,
  rejected_score,
}: RowOf<"preference">): ParsedRow {
  const scores = { chosenScore: chosen_score ?? undefined, rejectedScore: rejected_score ?? undefined };
  if (typeof chosen === "string" && typeof rejected === "string") {
    const split = typeof prompt === "string" ? { prompt, chosen, rejected } : splitText(chosen, rejected);
    const side = (answer: string) => [
      { role: "user", content: split.prompt },
      { role: "assistant", content: answer },
    ];
    return {
      chosen: side(split.chosen),
      rejected: side(split.rejected),
      text: true,
      promptTurns: 1,
      ...scores,
    };
  }
  const before = (prompt ?? []) as Message[];
  const answer = chosen as Message[];
  return {
    chosen: [...before, ...answer],
    rejected: [...before, ...(rejected as Message[])],
    text: false,
    promptTurns: before.length + answer.length - 1,
    ...scores,
  };
}

function poor(row: ParsedRow, minMargin: number): PreferenceDrop | undefined {
  const { chosen, rejected, chosenScore, rejectedScore } = row;
  if (!row.text && (!alternates(chosen) || !alternates(rejected))) return "not_alternating";
  if ([...chosen, ...rejected].some((turn) => turn.content.trim() === "")) return "empty_turn";
  if (JSON.stringify(chosen.slice(0, -1)) !== JSON.stringify(rejected.slice(0, -1))) return "history_differs";
  if (chosen.at(-1)!.content.trim() === rejected.at(-1)!.content.trim()) return "identical_answers";
  if (chosenScore === undefined || rejectedScore === undefined) return undefined;
  if (chosenScore < rejectedScore) return "label_contradicts_scores";
  return chosenScore - rejectedScore < minMargin ? "small_margin" : undefined;
}

/** user, assistant, user, assistant …, ending with assistant; one system turn may come first. */
function alternates(turns: Message[]): boolean {
  const talk = turns[0]?.role === "system" ? turns.slice(1) : turns;
  return (
    talk.length > 0 &&
    talk.length % 2 === 0 &&
    talk.every((turn, i) => turn.role === (i % 2 === 0 ? "user" : "assistant"))
  );
}

function remember(seen: Set<string>, row: ParsedRow): boolean {
  const key = contentDigest([...row.chosen, row.rejected.at(-1)!]);
  if (seen.has(key)) return false;
  seen.add(key);
  return true;
}

function tidy(row: ParsedRow): PairRow {
  const prompt: PromptContent = row.text ? row.chosen[0]!.content : row.chosen.slice(0, row.promptTurns);
  const { chosenScore, rejectedScore } = row;
  return {
    prompt_id: contentDigest(prompt).slice(0, 16),
    prompt,
    chosen: answerContent(prompt, row.chosen.at(-1)!.content),
    rejected: answerContent(prompt, row.rejected.at(-1)!.content),
    ...(chosenScore === undefined || rejectedScore === undefined
      ? {}
      : { chosen_score: chosenScore, rejected_score: rejectedScore, margin: chosenScore - rejectedScore }),
  };
}

// ---------------------------------------------------------------- pairs from a rater's labels

export type Answer = Omit<Candidate, "score">;

/** What a rater is asked: which of two answers to one prompt is better. */
export interface Comparison {
  prompt: PromptRow;
  first: Answer;
  second: Answer;
  seed: string;
}

export interface AnsweredGroup {
  prompt: PromptRow;
  candidates: Answer[];
}

/**
 * Answer i against answer i + n/2, so two temperatures of equal count meet each other. Who comes first is a seeded coin, for raters
 * that favour a position. Identical answers are not asked about: a label costs something.
 */
export function comparisonsOf(
  groups: AnsweredGroup[],
  seed: string,
): { comparisons: Comparison[]; identical: number } {
  const comparisons: Comparison[] = [];
  let identical = 0;
  for (const { prompt, candidates } of groups) {
    const half = Math.floor(candidates.length / 2);
    for (let i = 0; i < half; i++) {
      const a = candidates[i]!;
      const b = candidates[i + half]!;
      const labelSeed = deriveSeed("label", seed, prompt.id, i);
      if (a.text === b.text) identical += 1;
      else if (new Random(labelSeed).below(2) === 0)
        comparisons.push({ prompt, first: a, second: b, seed: labelSeed });
      else comparisons.push({ prompt, first: b, second: a, seed: labelSeed });
    }
  }
  return { comparisons, identical };
}

/** `probabilities[i]`: the rater's answer to comparison i; above ½ the first is chosen, ½ is a tie and dropped. */
export function pairsFromLabels(
  comparisons: Comparison[],
  probabilities: number[],
  identical: number,
): { pairs: PairRow[]; report: PairReport } {
  const pairs: PairRow[] = [];
  let ties = 0;
  let lengthDifference = 0;
  comparisons.forEach(({ prompt, first, second }, i) => {
    const probability = probabilities[i]!;
    if (probability === 0.5) {
      ties += 1;
      return;
    }
    const [chosen, rejected] = probability > 0.5 ? [first, second] : [second, first];
    const content = promptContent(prompt);
    lengthDifference += chosen.ids.length - rejected.ids.length;
    pairs.push({
      prompt_id: prompt.id,
      prompt: content,
      chosen: answerContent(content, chosen.text),
      rejected: answerContent(content, rejected.text),
      chosen_ids: chosen.ids,
      rejected_ids: rejected.ids,
    });
  });
  const report = summary(
    pairs.map(() => 0),
    lengthDifference,
  );
  return {
    pairs,
    report: {
      ...report,
      groups: comparisons.length + identical,
      dropped: { tie: ties, identical },
      labels: comparisons.length,
    },
  };
}
