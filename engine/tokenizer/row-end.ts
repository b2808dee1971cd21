// Where the row of a sampled answer ends if it is read as a whole, as a reward model reads it. A row of text
// ends as TRL's trainers end it: a plain answer with the EOS, a conversation as its template closes a turn.
// Many templates write more behind the token that ends an answer (ChatML: `<|im_end|>` and a line break). A
// sampled answer has nothing behind that token, so the rest of the closing is added. Then a reward is read
// behind the same tokens that its model was trained to be read behind.

export interface SampledAnswer {
  ids: readonly number[];
  /** Without its end, and cut before a stop text. */
  text: string;
  finish?: "eos" | "stop" | "length" | undefined;
}

export interface RowEnding {
  /** Ids that the template, or for plain text the EOS, writes behind an answer. */
  closing: readonly number[];
  /** Ids that end a sampled answer. */
  ends: ReadonlySet<number>;
  /** Text of an answer's ids, without special tokens. */
  decode(ids: readonly number[]): string;
  /** Text of ids, with special tokens. */
  written(ids: readonly number[]): string;
  /** Ids of an answer that is given as text, with its closing. */
  encode(text: string): number[];
}

/**
 * The answer's ids, closed. An answer that was cut at the largest number of tokens has no end and stays as it
 * is; one that a stop text ended is its text with the closing.
 */
export function closedAnswer({ ids, text, finish }: SampledAnswer, ending: RowEnding): number[] {
  const last = ids.at(-1);
  if (last !== undefined && ending.ends.has(last)) return closedBehind(ids, last, ending);
  const stopped = finish === undefined ? ending.decode(ids) !== text : finish === "stop";
  return stopped ? ending.encode(text) : [...ids];
}

/** `end` is the last of `ids`. */
function closedBehind(ids: readonly number[], end: number, { closing, written }: RowEnding): number[] {
  const answer = ids.slice(0, -1);
  const at = closing.indexOf(end);
  if (closing.length === 0) return [...ids];
  // The policy ended its answer by another token than the template does.
  if (at < 0) return [...answer, ...closing];
  // What the template writes before the end, such as a line break, is often part of the sampled answer.
  const before = closing.slice(0, at);
  const isWritten = endsWith(answer, before) || textEndsWith(written(answer), written(before));
  return [...answer, ...(isWritten ? closing.slice(at) : closing)];
}

/** Merged tokens can write the same text. */
const textEndsWith = (text: string, end: string): boolean => end !== "" && text.endsWith(end);

const endsWith = (ids: readonly number[], end: readonly number[]): boolean =>
  end.every((id, i) => id === ids[ids.length - end.length + i]);
