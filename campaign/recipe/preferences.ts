// Preference pairs of a file: rows of poor quality are dropped and counted by reason (arXiv 2405.07863 §2,
// app. B.1).
import { splitText } from "./implicit-prompt.ts";
import { answerContent, contentDigest } from "./rows.ts";
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
  chosenScore?: number;
  rejectedScore?: number;
}

/** Any of TRL's forms of a row, as two whole conversations. */
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
