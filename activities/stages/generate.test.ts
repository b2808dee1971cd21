import assert from "node:assert/strict";
import { it } from "node:test";
import type { Generator, SampleRequest } from "../../runtimes/types.ts";
import {
  completion,
  fakeDeps,
  memoryStore,
  smallSpec,
  stageContext,
} from "../attempt/stage-context.test.support.ts";
import type { Store } from "../../store/types.ts";
import type { GenerateInput } from "../contract.ts";
import { runShard, sealStage } from "../pieces.ts";
import { generateStage } from "./generate.ts";

const named = (text: string): Generator => ({
  deterministic: false,
  generate: async (_policy, requests: SampleRequest[]) =>
    requests.map(({ prompt, index }) => completion(prompt.id, index, text)),
  facts: () => ({ runtime: text }),
});

/** Generates and seals iteration 1 by the runtime that the spec names. Returns the sealed result's digest. */
async function generated(store: Store, runtime: string | undefined, known: readonly string[]) {
  const spec = await smallSpec(store, runtime ? { runtimes: { generate: runtime } } : {});
  const generators = new Map(known.map((name) => [name, named(name)]));
  const context = stageContext<GenerateInput>({
    spec,
    deps: fakeDeps({ store, deps: { generator: named("onnx"), generators } }),
    input: { stage: "generate", source: "iteration", policy: "given" },
  });
  const stage = await generateStage(context);
  await runShard(context, stage, { index: 0, from: 0, to: 1 });
  return (await sealStage(context, stage)).digest;
}

it("a stage of another runtime has results of its own, and its manifests name the runtime", async () => {
  const store = await memoryStore();
  const first = await generated(store, undefined, []);
  const second = await generated(store, "vllm", ["vllm"]);
  assert.notEqual(first, second);
  assert.equal((await store.getJson<{ runtime?: string }>(first)).runtime, undefined);
  assert.equal((await store.getJson<{ runtime?: string }>(second)).runtime, "vllm");
});

it("a piece that is committed needs no runtime", async () => {
  const store = await memoryStore();
  const digest = await generated(store, "vllm", ["vllm"]);
  assert.equal(await generated(store, "vllm", []), digest);
});

it("a worker without the runtime says which it has", async () => {
  await assert.rejects(generated(await memoryStore(), "vllm", ["other"]), {
    code: "runtime_unavailable",
    message: "this worker has no runtime vllm; it has onnx, other",
  });
});
