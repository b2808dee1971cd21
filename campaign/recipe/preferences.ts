// Preference data for the reward model: rows of a file checked and filtered with counted reasons (recipe.md §1.2, §1.4), or pairs
// made from a rater's labels. What cannot be understood at all is an error with its line; what is merely poor is dropped and counted.
import { RatchetError } from "../../errors/index.ts";
import type { PairReport } from "../types.ts";
import { splitText } from "./implicit-prompt.ts";
import { summary } from "./pairing.ts";
import type { Candidate } from "./pairing.ts";
import { Random } from "./random.ts";
import { answerContent, contentDigest, promptContent } from "./rows.ts";
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

/** A row as parsed from JSON, with its line for messages. */
export interface RawRow {
  line: number;
  value: unknown;
}

/** `minMargin`: rows whose two scores are nearer than this are dropped; rows without scores pass. */
export function filterPreferences(rows: RawRow[], { minMargin }: { minMargin: number }): FilteredPreferences {
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
  for (const { line, value } of rows) {
    const row = readRow(line, value);
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
function readRow(line: number, value: unknown): ParsedRow {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw malformed(line, "is no object");
  const { prompt, chosen, rejected, chosen_score, rejected_score } = value as Record<string, unknown>;
  const scores = {
    ...score(line, "chosenScore", chosen_score),
    ...score(line, "rejectedScore", rejected_score),
  };
  if (typeof chosen === "string" && typeof rejected === "string") {
    if (prompt !== undefined && typeof prompt !== "string")
      throw malformed(line, "has text answers, so `prompt` must be text too");
    const split = prompt === undefined ? splitText(chosen, rejected) : { prompt, chosen, rejected };
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
  if (!isMessages(chosen) || !isMessages(rejected))
    throw malformed(line, "needs `chosen` and `rejected`, both text or both lists of {role, content}");
  if (prompt === undefined)
    return { chosen, rejected, text: false, promptTurns: chosen.length - 1, ...scores };
  if (!isMessages(prompt))
    throw malformed(line, "has lists of messages as answers, so `prompt` must be one too");
  return {
    chosen: [...prompt, ...chosen],
    rejected: [...prompt, ...rejected],
    text: false,
    promptTurns: prompt.length + chosen.length - 1,
    ...scores,
  };
}

function score(
  line: number,
  name: "chosenScore" | "rejectedScore",
  value: unknown,
): { [name: string]: number } {
  if (value === undefined || value === null) return {};
  if (typeof value !== "number" || !Number.isFinite(value))
    throw malformed(line, `has the score ${JSON.stringify(value)}`);
  return { [name]: value };
}

function malformed(line: number, what: string): RatchetError {
  return new RatchetError("preferences_invalid", `line ${line} of the preference file ${what}`, {
    line,
    hint: "one JSON object a line in TRL's columns: prompt, chosen, rejected, and optionally chosen_score, rejected_score",
  });
}

export function isMessages(value: unknown): value is Message[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((turn) => typeof turn?.role === "string" && typeof turn?.content === "string")
  );
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
  const scored = row.chosenScore !== undefined && row.rejectedScore !== undefined;
  return {
    prompt_id: contentDigest(prompt).slice(0, 16),
    prompt,
    chosen: answerContent(prompt, row.chosen.at(-1)!.content),
    rejected: answerContent(prompt, row.rejected.at(-1)!.content),
    ...(scored
      ? {
          chosen_score: row.chosenScore!,
          rejected_score: row.rejectedScore!,
          margin: row.chosenScore! - row.rejectedScore!,
        }
      : {}),
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
