// What a labeler says of one comparison, checked alike whether a person, a file or a module says it.
import { CHOICES, NOTE_MAX, STRENGTH_MAX } from "./types.ts";
import type { Choice, Opinion } from "./types.ts";

/** What is wrong with it, as the end of a sentence; undefined if nothing is. */
export function opinionFault({
  choice,
  strength,
  note,
}: Partial<Record<keyof Opinion, unknown>>): string | undefined {
  if (!CHOICES.includes(choice as Choice))
    return `has the choice ${JSON.stringify(choice)}, which is none of ${CHOICES.join(", ")}`;
  if (strength !== undefined && !isStrength(strength))
    return `has the strength ${JSON.stringify(strength)}, which is no whole number from 1 to ${STRENGTH_MAX}`;
  if (strength !== undefined && choice !== "first" && choice !== "second")
    return `has a strength, but prefers no answer: ${JSON.stringify(choice)}`;
  if (note !== undefined && !(typeof note === "string" && note.length <= NOTE_MAX))
    return `has a note that is no text of up to ${NOTE_MAX} characters`;
  return undefined;
}

const isStrength = (value: unknown): boolean =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= STRENGTH_MAX;

/** A module may answer with the probability that the first answer is better; ½ is a tie. */
export const opinionOf = (answer: number | Opinion): Opinion =>
  typeof answer !== "number" ? answer : { choice: answer > 0.5 ? "first" : answer < 0.5 ? "second" : "tie" };
