import assert from "node:assert/strict";
import { it } from "node:test";
import { memoryBackend } from "../store/backends/memory.ts";
import { storeOn } from "../store/index.ts";
import type { Store } from "../store/types.ts";
import type { StageContext, Trace } from "./context.ts";
import { ResourceError } from "./context.ts";
import type { FanOutInput } from "./contract.ts";
import type { Deps } from "./deps.ts";
import type { PieceStage } from "./pieces.ts";
import { runShard } from "./pieces.ts";

const SHARD = { index: 0, from: 0, to: 4 };

/** An attempt as far as a shard needs one. */
function attempt(store: Store, trace: Trace): StageContext<FanOutInput> {
  const input = { stage: "score", completions: "c", place: { iteration: 1, take: 1 }, epoch: 1, campaign: { campaignId: "c", specDigest: "s", storeName: "memory:" } } satisfies FanOutInput;
  return {
    deps: { store } as Deps,
    input,
    spec: {} as StageContext["spec"],
    place: "it-0001.1",
    attempt: 1,
    trace,
    previous: undefined,
    repairs: new Map(),
    signal: new AbortController().signal,
    onProgress: () => undefined,
    advanced: () => undefined,
    anew: () => undefined,
    quiet: () => undefined,
    facts: () => ({}) as ReturnType<StageContext["facts"]>,
  };
}

it("a piece that kills its process comes last, and after three deaths is named as the cause; all others are done", async () => {
  const store = await storeOn(memoryBackend());
  const computed: number[] = [];
  const stage: PieceStage = {
    pieces: 4,
    inputs: (index) => index,
    async compute(index) {
      computed.push(index);
      if (index === 1) throw new ResourceError("engine_died", "killed by SIGKILL");
      return { rows: [{ index }], prompts: 1, counts: {} };
    },
    seal: () => assert.fail("a shard is not sealed"),
  };
  const trace: Trace = {};
  await assert.rejects(runShard(attempt(store, trace), stage, SHARD), { code: "engine_died" });
  await assert.rejects(runShard(attempt(store, trace), stage, SHARD), { code: "engine_died" });
  await assert.rejects(runShard(attempt(store, trace), stage, SHARD), { code: "piece_poisoned", message: /piece 1 of score of it-0001\.1 ended its process 3 times.*killed by SIGKILL/ });
  assert.deepEqual(computed, [0, 1, 2, 3, 1, 1]);
});
