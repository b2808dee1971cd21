import assert from "node:assert/strict";
import { it } from "node:test";
import { formatRows } from "../campaign/recipe/rows.ts";
import type { Digest } from "../campaign/types.ts";
import { memoryBackend } from "../store/backends/memory.ts";
import { storeOn } from "../store/index.ts";
import type { Store } from "../store/types.ts";
import type { ScoreInput } from "./contract.ts";
import { runShard, sealStage } from "./pieces.ts";
import { scoreStage } from "./stages/score.ts";
import { blob, completion, fakeDeps, smallSpec, stageContext } from "./attempt/stage-context.test.support.ts";

const PIECES = 100;

/** Counts the reads of each blob, and the most reads that ran at a time. */
async function watchedStore(): Promise<{
  store: Store;
  reads: Map<Digest, number>;
  concurrent: () => number;
}> {
  const backend = memoryBackend();
  const store = await storeOn(backend);
  const reads = new Map<Digest, number>();
  let [running, most] = [0, 0];
  const counted = async <T>(read: () => Promise<T>): Promise<T> => {
    most = Math.max(most, (running += 1));
    await new Promise((resolve) => setImmediate(resolve));
    return read().finally(() => (running -= 1));
  };
  const getBlob = (digest: Digest): Promise<Uint8Array> => {
    reads.set(digest, (reads.get(digest) ?? 0) + 1);
    return counted(() => store.getBlob(digest));
  };
  const getJson = async <T>(digest: Digest): Promise<T> =>
    JSON.parse(new TextDecoder().decode(await getBlob(digest))) as T;
  const readManifest = ((key: string) => counted(() => store.readManifest(key))) as Store["readManifest"];
  return { store: { ...store, getBlob, getJson, readManifest }, reads, concurrent: () => most };
}

it("reads the stage before once for all pieces, and few pieces at a time", async () => {
  const { store, reads, concurrent } = await watchedStore();
  const ids = Array.from({ length: PIECES }, (_, n) => `o${n}`);
  const rows = await store.putBlob(formatRows(ids.map((id) => ({ id, prompt: `say ${id}` }))));
  const pieces = await Promise.all(
    ids.map(async (id, index) => ({
      index,
      rows: await store.putBlob(formatRows([completion(id, 0, "fine")])),
      prompts: 1,
    })),
  );
  const completions = await store.putJson({ stage: "generate", version: 1, prompts: rows, pieces });
  const spec = await smallSpec(store, { score: { by: "module" }, modules: { reward: blob("a") } });
  const deps = fakeDeps({ store, modules: { reward: () => 1 } });

  const attempt = () =>
    stageContext<ScoreInput>({ spec, deps, input: { stage: "score", of: "iteration", completions } });
  for (let index = 0; index < PIECES; index += 1) {
    const context = attempt();
    await runShard(context, await scoreStage(context), { index, from: index, to: index + 1 });
  }
  assert.equal(reads.get(completions), 1, "the list of generate's pieces");
  assert.equal(reads.get(rows), 1, "the prompts");

  const context = attempt();
  const { digest } = await sealStage(context, await scoreStage(context));
  const { stats } = await store.getJson<{
    stats: { count: number; mean: number; std: number; bestMean: number };
  }>(digest);
  assert.deepEqual(stats, { count: PIECES, mean: 1, std: 0, bestMean: 1 });
  assert.ok(concurrent() <= 8, `${concurrent()} reads at a time`);
});
