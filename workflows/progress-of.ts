// Progress of a place.
import type { StageProgress } from "./messages.ts";

/** Of stages side by side: the first, with the shards of all that have its name. */
export function progressOf(running: readonly StageProgress[]): StageProgress | null {
  const [first] = running;
  if (!first) return null;
  const alike = running.filter(({ stage }) => stage === first.stage);
  const sum = (key: "shardsDone" | "shardsTotal"): number =>
    alike.reduce((total, progress) => total + progress[key], 0);
  return { ...first, shardsDone: sum("shardsDone"), shardsTotal: sum("shardsTotal") };
}
