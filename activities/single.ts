// A stage that is one activity and one manifest, and cheap: it is computed whole, or found at its address.
import type { StageContext } from "./attempt/context.ts";
import { stageKey } from "./address.ts";

/** Commits what `make` returns at the address of `inputs`; adopts what stands there. */
export async function commitOnce<R extends { stage: string }>(
  context: StageContext,
  inputs: object,
  make: () => Promise<R>,
): Promise<{ digest: string; result: R }> {
  const { store } = context.deps;
  const { stage } = context.input;
  const key = stageKey(context, inputs);
  const found = await store.readManifest<{ schema: string; result: R; facts: object }>(key);
  if (found) return { digest: found.digest, result: found.manifest.result };
  const { digest, manifest } = await store.commitManifest(key, {
    schema: `ratchet.${stage}/1`,
    result: await make(),
    facts: context.facts(),
  });
  return { digest, result: manifest.result };
}
