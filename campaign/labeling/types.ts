// Labels of people (or of modules that act as people) as data: the questionnaire, one label, the seal.
// docs/store.md has the formats, docs/labels.md the rules.
import type { Message } from "../recipe/rows.ts";
import type { Digest } from "../types.ts";

/**
 * Of the questionnaire's two answers, whatever the screen showed first. `both_bad`: neither is acceptable.
 */
export type Choice = "first" | "second" | "tie" | "both_bad";
export const CHOICES: readonly Choice[] = ["first", "second", "tie", "both_bad"];

/** Which of a prompt's answers are compared (campaign/labeling/choose.ts). */
export type ChooseBy = "best-against-rest" | "uncertain" | "random";

/** One question to a labeler; a row of the questionnaire's blob `comparisons`. */
export interface ComparisonRow {
  /** Number in the questionnaire, from 0. */
  comparison: number;
  promptId: string;
  /** Either `prompt` or `messages`. */
  prompt?: string;
  messages?: Message[];
  /** `index`: of the answer in its prompt's group. */
  first: { index: number; text: string };
  second: { index: number; text: string };
  /** Never trained on. Labelers never see this member. */
  audit?: true;
}

/** What is asked. Its digest names the questionnaire in every label. */
export interface QuestionnaireResult {
  stage: "label";
  version: number;
  place: string;
  /** Result digest of generate. */
  answers: Digest;
  /** Result digest of score, if the choice of comparisons used scores. */
  scores?: Digest;
  choose: ChooseBy;
  /** 16 hex digits. */
  seed: string;
  /** Labels by different people for each comparison: its slots. */
  perComparison: number;
  /** Comparisons that the campaign asked for, and of these for the audit part. */
  asked: { comparisons: number; audit: number };
  /** Comparisons that the answers gave. */
  count: number;
  audit: number;
  /** Answers left out because their prompt has another with the same text. */
  identical: number;
  /** Blob of JSON Lines. */
  comparisons: Digest;
}

/** What counts. The key of its manifest follows from the questionnaire alone; the first seal wins. */
export interface SealResult {
  stage: "label";
  version: number;
  place: string;
  questionnaire: Digest;
  /** Blob of JSON Lines (SealRow), by comparison and slot. */
  labels: Digest;
  /**
   * Blob of JSON Lines (WithdrawnRow): labels of the campaign's other questionnaires that were withdrawn by
   * then. Old pairs that are replayed with these labels leave them out. Absent if there are none.
   */
  withdrawn?: Digest;
  counts: SealCounts;
}

export interface WithdrawnRow {
  /** `<questionnaire's digest>/000012/0.1.json` */
  label: string;
}

export interface SealCounts {
  /** Labels that count, and of these the audit part's. */
  labels: number;
  audit: number;
  /** Comparisons outside the audit part that have a label. */
  trained: number;
  choices: Record<Choice, number>;
}

/**
 * One label that counts. Neither times nor names, so the same labels given at other times have one digest.
 */
export interface SealRow {
  comparison: number;
  slot: number;
  revision: number;
  choice: Choice;
  strength?: number;
  audit?: true;
}

/** What a labeler says of one comparison. */
export interface Opinion {
  choice: Choice;
  /** 1 slightly, 2 clearly, 3 far better; of `first` and `second` only. */
  strength?: number;
  note?: string;
}

/** A labeler's answer to one comparison. */
export interface Given extends Omit<Opinion, "choice"> {
  comparison: number;
  /** Pseudonym. */
  labeler: string;
  /** Null withdraws the labeler's earlier label. */
  choice: Choice | null;
  /** Time that the labeler took. */
  seconds?: number;
  /** ISO time at which it was given. */
  at: string;
  /** The answer that the screen showed first (left, or above). */
  shown?: "first" | "second";
  /** Of an API labeler. Its label is null until all requests are answered, or for ever. */
  api?: ApiLabel;
}

/** The verdict of an API labeler (a language model behind an API) on two answers in the order shown. */
export type Verdict = "first" | "second" | "tie";

/** One answered request to an API labeler. */
export interface Asked {
  /** The answer that it showed first. */
  shown: "first" | "second";
  /** Of the questionnaire's two answers. Absent: the answer held none. */
  verdict?: Verdict;
  /** HTTP status with which the server refused the question. */
  refused?: number;
  /** Tokens, as the server counts them. */
  input?: number;
  output?: number;
  /** In the currency of the worker's settings. */
  price?: number;
  /** As the answer names it, if it differs from the label's. */
  model?: string;
}

/** How an API labeler came to its label. Never its key or its whole address. */
export interface ApiLabel {
  model: string;
  host: string;
  /** SHA-256 of the prompt template. */
  prompt: Digest;
  temperature: 0;
  maxTokens: number;
  asked: Asked[];
}

/**
 * All answered requests of one API labeler to a questionnaire. Requests that a crash cut off are paid too,
 * and nobody here knows them.
 */
export interface ApiCost extends Omit<ApiLabel, "asked"> {
  labeler: string;
  comparisons: number;
  requests: number;
  /** Tokens, and their price in the currency of the worker's settings; absent if no answer says. */
  input?: number;
  output?: number;
  price?: number;
}

/** A label as stored, at `labels/<place>/<questionnaire>/<comparison>/<slot or extra>.<revision>.json`. */
export interface Label extends Given {
  schema: "ratchet.labels/1";
  questionnaire: Digest;
  /** Absent for an extra: a label of a comparison whose slots others have. */
  slot?: number;
  /** From 0; a higher one replaces it. */
  revision: number;
  /** The questionnaire was closed or abandoned when it was given. */
  late?: true;
}

/** 1 slightly … 3 far better. */
export const STRENGTH_MAX = 3;
export const NOTE_MAX = 4_000;
/** Pseudonyms of labelers, which are parts of keys. */
export const LABELER = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
/** Names of API labelers in specs and in workers' settings. */
export const API_LABELER = /^[a-z0-9][a-z0-9-]{0,30}$/;
