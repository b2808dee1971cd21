// How a fan-out is cut into shards, and how many of them run at once.
import { workflowInfo } from "@temporalio/workflow";
import type { BegunStage, Shard } from "../campaign/types.ts";

/** Ends a fan-out none of whose shards runs, until the resume. */
export class Rests extends Error {}

/** Runs of whole pieces: `pieces` = 10, `size` = 4 gives [0,4) [4,8) [8,10). */
export function cutShards(pieces: number, size: number): Shard[] {
  return Array.from({ length: Math.ceil(pieces / size) }, (_, index) => ({
    index,
    from: index * size,
    to: Math.min(pieces, (index + 1) * size),
  }));
}

/**
 * Runs shards, at most `most` at once, until all are done, Temporal suggests to continue as new, or `rests`
 * says that no other may begin; then no shard is running. `begun.shards` is kept at the number of shards that
 * are done without a gap from the first on, so that a resumed stage starts there.
 */
export async function runShards(
  shards: readonly Shard[],
  most: number,
  begun: BegunStage,
  run: (shard: Shard) => Promise<void>,
  rests: () => boolean,
): Promise<void> {
  const done = new Set<number>();
  let next = begun.shards;
  const oneAfterAnother = async (): Promise<void> => {
    do {
      const shard = shards[next++]!;
      await run(shard);
      done.add(shard.index);
      while (done.delete(begun.shards)) begun.shards += 1;
    } while (next < shards.length && !workflowInfo().continueAsNewSuggested && !rests());
  };
  const atOnce = Math.min(most, shards.length - begun.shards);
  await Promise.all(Array.from({ length: atOnce }, oneAfterAnother));
}
