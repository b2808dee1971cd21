// Where a row came from, for messages. It is kept beside the row, because a row's bytes must not depend on
// its place.
import { RatchetError, isCoded } from "../errors/index.ts";

export interface Place {
  /** Path of a file or module, as in the spec. */
  file: string;
  line?: number;
  /** `prompts.jsonl:8`, or `row 3 of online of prompts.ts`. */
  text: string;
}

const places = new WeakMap<object, Place>();

export const lineOf = (file: string, line: number): Place => ({ file, line, text: `${file}:${line}` });

/** Notes the place of a row, and returns the row. */
export function placed<R extends object>(row: R, place: Place): R {
  places.set(row, place);
  return row;
}

/** Gives a row the place of the row that it was made of. */
export function placedAs<R extends object>(row: R, origin: object): R {
  const place = places.get(origin);
  return place ? placed(row, place) : row;
}

/** With the id of a prompt, by which the run names it. */
export function placeOf(row: object): Place {
  const place = places.get(row) ?? { file: "", text: "a row" };
  const { id } = row as { id?: unknown };
  return typeof id === "string" ? { ...place, text: `${place.text} (prompt ${id})` } : place;
}

/**
 * The error of a row with its place. `more`: further rows with an error; `least` if not all rows were looked
 * at.
 */
export function errorAt(
  error: Error,
  { file, line, text }: Place,
  more: number,
  least = false,
): RatchetError {
  const { message, hint } = error as Error & { hint?: string };
  const named = line !== undefined && message.startsWith(`${file}:${line}`) ? message : `${text}: ${message}`;
  const others =
    more > 0 ? ` (and ${least ? "at least " : ""}${more} more ${more === 1 ? "row" : "rows"})` : "";
  return new RatchetError(isCoded(error) ? error.code : "tokenizer_invalid", `${named}${others}`, {
    hint,
    file,
    cause: error,
    ...(line === undefined ? {} : { line }),
  });
}
