// Old pairs that a reward model is trained on again beside new ones, so that it does not forget them.
import type { PairRow } from "../recipe/rows.ts";
import { Random } from "../recipe/random.ts";

/** The new pairs, then `share` old ones for each of them, drawn by the seed. Fewer if there are fewer. */
export function withReplay(
  labeled: readonly PairRow[],
  old: readonly PairRow[],
  share: number,
  seed: string,
): PairRow[] {
  const wanted = Math.min(old.length, Math.round(share * labeled.length));
  const random = new Random(seed);
  const drawn = [...old];
  for (let i = 0; i < wanted; i += 1) {
    const j = i + random.below(drawn.length - i);
    [drawn[i], drawn[j]] = [drawn[j]!, drawn[i]!];
  }
  return [...labeled, ...drawn.slice(0, wanted)];
}
