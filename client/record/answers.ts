// Answers of a policy by prompt, with their scores.
import type { Finish } from "../../campaign/spec/modules.ts";
import { promptContent } from "../../campaign/recipe/rows.ts";
import type { PromptRow } from "../../campaign/recipe/rows.ts";
import type { Digest, EvaluateResult, GenerateResult, PieceRef, ScoreResult } from "../../campaign/types.ts";
import type { Store } from "../../store/types.ts";
import { stageDigest } from "./places.ts";
import type { FinishedPlace } from "./places.ts";
import { jsonLines, pieceRows } from "./record.ts";

export interface SampleAnswer {
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

interface AnswerRow {
  promptId: string;
  index: number;
  text: string;
  finish: Finish;
  temperature: number;
}

/**
 * Answers to a split, each with its true reward if it is known, else its proxy reward. Reads only the pieces
 * that hold the first `needed` prompts.
 */
export async function evaluated(
  store: Store,
  place: FinishedPlace,
  needed: number,
): Promise<PromptSamples[]> {
  const result = await store.getJson<EvaluateResult>(stageDigest(place, "evaluate"));
  const answers = await store.getJson<GenerateResult>(result.answers);
  const pieces = leading(answers.pieces, needed);
  const scoreOf = await scoresOf(store, result.scores, ({ score }) => score, pieces.length);
  const goldOf = await scoresOf(store, result.verdicts, ({ gold }) => gold?.total, pieces.length);
  const rows = await pieceRows<AnswerRow>(store, pieces);
  return grouped(store, answers.prompts, rows, (row) => goldOf(row) ?? scoreOf(row));
}

export async function generated(
  store: Store,
  place: FinishedPlace,
  stage: "generate" | "score",
): Promise<PromptSamples[]> {
  const scored = stage === "score" ? stageDigest(place, "score") : undefined;
  const completions =
    scored === undefined
      ? stageDigest(place, "generate")
      : (await store.getJson<ScoreResult>(scored)).completions;
  const result = await store.getJson<GenerateResult>(completions);
  const scoreOf = await scoresOf(store, scored, ({ score }) => score);
  return grouped(store, result.prompts, await pieceRows<AnswerRow>(store, result.pieces), scoreOf);
}

interface ScoreRow {
  promptId: string;
  index: number;
  score?: number;
  gold?: { total: number };
}

/** Looks up a number of each answer in the rows of another stage; without that stage, there is none. */
async function scoresOf(
  store: Store,
  digest: Digest | undefined,
  of: (row: ScoreRow) => number | undefined,
  piecesMax = Infinity,
): Promise<(row: AnswerRow) => number | undefined> {
  if (digest === undefined) return () => undefined;
  const { pieces } = await store.getJson<Pick<ScoreResult, "pieces">>(digest);
  const rows = await pieceRows<ScoreRow>(store, pieces.slice(0, piecesMax));
  const known = new Map(rows.map((row) => [`${row.promptId}/${row.index}`, of(row)]));
  return ({ promptId, index }) => known.get(`${promptId}/${index}`);
}

/** The first pieces, which hold `needed` prompts. Scores and verdicts have the pieces of their answers. */
function leading(pieces: readonly PieceRef[], needed: number): PieceRef[] {
  let prompts = 0;
  return pieces.filter((piece) => {
    const wanted = prompts < needed;
    prompts += piece.prompts;
    return wanted;
  });
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

/** The prompt as one text; a conversation has one line a turn. */
function promptText(row: { prompt?: string; messages?: { role: string; content: string }[] }): string {
  const content = promptContent(row);
  return typeof content === "string"
    ? content
    : content.map((turn) => `${turn.role}: ${turn.content}`).join("\n");
}
