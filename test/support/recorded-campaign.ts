// Writes the record of a campaign without computing: spec, prompts, one finished bootstrap and iteration with
// pieces, pairs and a trained tree. The contents are invented; the references between them are real.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkpointsPrefix, referenceKey, resultKey } from "../../campaign/ids.ts";
import type { LedgerEvent, Place } from "../../campaign/types.ts";
import { canonicalDigest } from "../../store/index.ts";
import type { Store } from "../../store/types.ts";

export interface Recorded {
  specDigest: string;
  /** Blobs with rows of prompt p2: the prompt, its answers and its pairs. */
  ofP2: string[];
  /** Digests of the trained policy's tree and of its weights. */
  policy: string;
  weights: string;
}

export const lines = (rows: object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
const PLACE = { iteration: 1, take: 1 } satisfies Place;

export async function recordCampaign(
  store: Store,
  campaignId: string,
  end: "completed" | "running" | "cancelled" = "completed",
): Promise<Recorded> {
  const tree = async (weights: string): Promise<string> => {
    const dir = await mkdtemp(join(tmpdir(), "ratchet-recorded-"));
    await writeFile(join(dir, "model.safetensors"), weights);
    await writeFile(join(dir, "tokenizer.json"), "{}");
    return store.putTree(dir).finally(() => rm(dir, { recursive: true }));
  };
  const commit = async (stage: string, name: string, schema: string, result: object): Promise<string> =>
    (
      await store.commitManifest(resultKey(campaignId, PLACE, stage, name), {
        schema,
        result: { stage, place: "it-0001.1", ...result },
        facts: {},
      })
    ).digest;

  const prompts = await store.putBlob(
    lines([
      { id: "p1", prompt: "one?" },
      { id: "p2", prompt: "two?" },
    ]),
  );
  const other = await store.putBlob(lines([{ id: "t1", prompt: "test?" }]));
  const sft = await store.putBlob(
    lines([
      { prompt: "two?", completion: "as p2 said" },
      { prompt: "else?", completion: "no" },
    ]),
  );
  const given = await tree("given weights");
  const specDigest = await store.putJson({
    schema: "ratchet.spec/1",
    name: campaignId,
    iterations: 1,
    policy: { tree: given },
    prompts: {
      iterations: { rows: prompts, count: 2 },
      validation: { rows: other, count: 1 },
      test: { rows: other, count: 1 },
    },
    bootstrap: { sft: { data: { rows: sft, count: 2 } } },
    score: { by: "module" },
    modules: {},
  });
  const completions = await store.putBlob(
    lines([
      { promptId: "p1", index: 0, text: "first" },
      { promptId: "p2", index: 0, text: "secret" },
    ]),
  );
  await commit("generate", "piece-00000-a", "ratchet.piece/1", { piece: 0, rows: completions, prompts: 2 });
  const generate = await commit("generate", "b", "ratchet.generate/1", {
    pieces: [{ index: 0, rows: completions, prompts: 2 }],
  });
  const pairs = await store.putBlob(
    lines([{ prompt_id: "p2", prompt: "two?", chosen: "secret", rejected: "no" }]),
  );
  const pair = await commit("pair", "c", "ratchet.pair/1", { source: generate, pairs });
  const policy = await tree(`trained weights of ${campaignId}`);
  const curve = await store.putBlob(lines([{ step: 1, loss: 0.5 }]));
  const train = await commit("train", "d", "ratchet.train/1", { start: given, policy, curve });

  const verdict = { candidate: policy, incumbent: given, decision: "promoted" };
  const promote = await commit("promote", "g", "ratchet.promote/1", verdict);
  const stages = { generate, pair, train, promote };

  const events: LedgerEvent[] = [
    { type: "created", specDigest, name: campaignId },
    { type: "opened", server: "there", namespace: "default", runId: "r" },
    { type: "bootstrap-finished", bootstrap: { policy: given, opponent: generate }, stages: {} },
    { type: "iteration-finished", ...PLACE, policy, stages, decision: "promoted" },
  ];
  if (end === "completed") events.push({ type: "completed", latest: policy, promoted: policy });
  if (end === "cancelled") events.push({ type: "cancelled", by: "ada", why: "enough" });
  for (const [n, event] of events.entries())
    await store.ledger(campaignId).append({ id: `row-${n}`, epoch: n === 0 ? 0 : 1, event, by: "test" });

  const checkpoint = await tree(`checkpoint of ${campaignId}`);
  const key = `${checkpointsPrefix(campaignId, PLACE, "train", "e")}step-00000004.json`;
  await store.commitManifest(key, {
    schema: "ratchet.checkpoint/1",
    result: { step: 4, tree: checkpoint },
    facts: {},
  });
  const logps = [-1.5, -campaignId.length];
  await store.commitManifest(referenceKey(campaignId, "f"), {
    schema: "ratchet.logps/1",
    result: { reference: given, rows: pairs, of: canonicalDigest(logps), logps },
    facts: {},
  });
  const { files } = await store.getJson<{ files: { path: string; digest: string }[] }>(policy);
  return {
    specDigest,
    ofP2: [prompts, sft, completions, pairs],
    policy,
    weights: files.find(({ path }) => path === "model.safetensors")?.digest ?? "",
  };
}
