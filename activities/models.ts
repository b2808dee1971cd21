// Models on the worker's disk, by digest.
import { RatchetError, isCoded } from "../errors/index.ts";
import type { Digest } from "../campaign/types.ts";
import type { LocalModel } from "../runtimes/types.ts";
import type { StageContext } from "./attempt/context.ts";

/** Calls `compute` with a model's folder. If its files are deleted meanwhile, a retry fetches them again. */
export async function withModel<R>(
  { deps: { cache } }: StageContext,
  digest: Digest,
  compute: (model: LocalModel) => Promise<R>,
): Promise<R> {
  const dir = await cache.tree(digest);
  const copy = await cache.copyOf(digest);
  try {
    return await compute({ digest, dir });
  } catch (cause) {
    if (!isCoded(cause) || cause.kind !== "artifact") throw cause;
    // The copy is whole and the same as before, so a new one would fail alike. Another shard may have
    // replaced a deleted one.
    if (copy !== undefined && copy === (await cache.copyOf(digest))) throw cause;
    throw new RatchetError(
      "cache_cleared",
      `the worker's copy of model ${digest.slice(0, 12)} was deleted while it was in use: ${cause.message}`,
      { cause },
    );
  }
}
