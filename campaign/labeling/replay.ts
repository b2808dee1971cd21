// Old pairs that a reward model is trained on again beside new ones, so that it does not forget them.
import { Random } from "../recipe/random.ts";

/** `wanted` of the old ones, drawn by the seed without repeats; all if there are fewer. */
export function drawReplay<T>(old: readonly T[], wanted: number, seed: string): T[] {
  const count = Math.min(old.length, wanted);
  const random = new Random(seed);
  const drawn = [...old];
  for (let i = 0; i < count; i += 1) {
    const j = i + random.below(drawn.length - i);
    [drawn[i], drawn[j]] = [drawn[j]!, drawn[i]!];
  }
  return drawn.slice(0, count);
}
