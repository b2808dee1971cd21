// A stage that is one activity and one manifest: it is computed whole, or found at its address.
import type { Digest } from "../campaign/types.ts";
import type { StageContext } from "./attempt/context.ts";
import { stageKey } from "./address.ts";

/**
 * Adopts the result that was committed at the address of `inputs`, else commits what `make` returns. `names`:
 * blobs that `make` has written.
 */
export async function commitOnce<R extends { stage: string }>(
  context: StageContext,
  inputs: object,
  make: () => Promise<R>,
  names: (result: R) => Digest[] = () => [],
): Promise<{ digest: Digest; result: R }> {
  const { store } = context.deps;
  const { stage } = context.input;
  const key = stageKey(context, inputs);
  const found = await store.readManifest<{ schema: string; result: R; facts: object }>(key);
  if (found) return { digest: found.digest, result: found.manifest.result };
  const made = await make();
  const { digest, manifest } = await store.commitManifest(
    key,
    { schema: `ratchet.${stage}/1`, result: made, facts: context.facts() },
    names(made),
  );
  return { digest, result: manifest.result };
}
