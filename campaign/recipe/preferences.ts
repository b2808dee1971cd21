// Preference pairs of a file: rows of poor quality are dropped and counted by reason (arXiv 2405.07863 §2,
// app. B.1).
import { splitText } from "./implicit-prompt.ts";
import { answerContent, contentDigest } from "./rows.ts";
import { SCORE_COLUMNS } from "./row-schema.ts";
import type { RowOf } from "./row-schema.ts";
import type { Message, PairRow, PromptContent } from "./rows.ts";

/** Why a row was dropped: kept + dropped = rows. */
type PreferenceDrop =
  | "not_alternating"
  | "empty_turn"
  | "history_differs"
  | "identical_answers"
  | "label_contradicts_scores"
  | "small_margin"
  | "duplicate";

export interface FilteredPreferences {
  pairs: PairRow[];
  /** Index of each pair's row among the given ones. */
  from: number[];
  dropped: Record<PreferenceDrop, number>;
}

/** Drops rows whose two scores differ by less than `minMargin`; rows without scores pass. */
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
  const from: number[] = [];
  for (const [index, given] of rows.entries()) {
    const row = conversations(given);
    const reason = poor(row, minMargin) ?? (remember(seen, row) ? undefined : "duplicate");
    if (reason) dropped[reason] += 1;
    else {
      pairs.push(tidy(row));
      from.push(index);
    }
  }
  return { pairs, from, dropped };
}

interface ParsedRow {
  chosen: Message[];
  rejected: Message[];
  /** A row of plain text has no roles to check. */
  text: boolean;
  promptTurns: number;
  scores?: { chosen_score: number; rejected_score: number };
  /** Difference of the scores. */
  margin: number | undefined;
}

/** Any of TRL's forms of a row, as two whole conversations. */
function conversations(row: RowOf<"preference">): ParsedRow {
  const { prompt, chosen, rejected } = row;
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
      ...scoresOf(row),
    };
  }
  const turns = { chosen: chosen as Message[], rejected: rejected as Message[] };
  const before = historyOf(prompt, turns);
  return {
    chosen: [...before, ...turns.chosen],
    rejected: [...before, ...turns.rejected],
    text: false,
    promptTurns: before.length + turns.chosen.length - 1,
    ...scoresOf(row),
  };
}

/** Turns of the prompt that the answers' lists lack. As in UltraFeedback, both may begin with the prompt. */
function historyOf(
  prompt: PromptContent | undefined,
  { chosen, rejected }: { chosen: Message[]; rejected: Message[] },
): Message[] {
  // The rules of a row refuse a text prompt with which the lists do not begin.
  if (prompt === undefined || typeof prompt === "string") return [];
  const repeats = (turns: Message[]): boolean =>
    turns.length > prompt.length &&
    prompt.every(({ role, content }, i) => turns[i]!.role === role && turns[i]!.content === content);
  return repeats(chosen) && repeats(rejected) ? [] : prompt;
}

/** Scores by any of their published names, or only their difference. */
export function scoresOf(row: RowOf<"preference">): Pick<ParsedRow, "scores" | "margin"> {
  for (const [chosen, rejected] of SCORE_COLUMNS) {
    const [better, worse] = [row[chosen], row[rejected]];
    if (better !== undefined && worse !== undefined)
      return { scores: { chosen_score: better, rejected_score: worse }, margin: better - worse };
  }
  return { margin: row.margin };
}

function poor(row: ParsedRow, minMargin: number): PreferenceDrop | undefined {
  const { chosen, rejected, margin } = row;
  if (!row.text && (!alternates(chosen) || !alternates(rejected))) return "not_alternating";
  if ([...chosen, ...rejected].some((turn) => turn.content.trim() === "")) return "empty_turn";
  if (JSON.stringify(chosen.slice(0, -1)) !== JSON.stringify(rejected.slice(0, -1))) return "history_differs";
  if (chosen.at(-1)!.content.trim() === rejected.at(-1)!.content.trim()) return "identical_answers";
  if (margin === undefined) return undefined;
  if (margin < 0) return "label_contradicts_scores";
  return margin < minMargin ? "small_margin" : undefined;
}

/** user, assistant, …, user, assistant; one system turn may come first. */
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
  return {
    prompt_id: contentDigest(prompt).slice(0, 16),
    prompt,
    chosen: answerContent(prompt, row.chosen.at(-1)!.content),
    rejected: answerContent(prompt, row.rejected.at(-1)!.content),
    ...row.scores,
    ...(row.margin !== undefined && { margin: row.margin }),
  };
}
