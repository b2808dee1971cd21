import assert from "node:assert/strict";
import { it } from "node:test";
import type { Store } from "../store/types.ts";
import type { StageContext, Trace } from "./context.ts";
import { ResourceError } from "./context.ts";
import type { FanOutInput } from "./contract.ts";
import type { PieceStage } from "./pieces.ts";
import { runShard } from "./pieces.ts";
import { fakeDeps, memoryStore, smallSpec, stageContext } from "./stage-context.test.support.ts";

const SHARD = { index: 0, from: 0, to: 4 };

const attempt = async (store: Store, trace: Trace): Promise<StageContext<FanOutInput>> => ({
  ...stageContext<FanOutInput>({ spec: await smallSpec(store), deps: fakeDeps({ store }), input: { stage: "score", completions: "c" } }),
  trace,
});

it("a piece that kills its process comes last, and after three deaths is named as the cause; all others are done", async () => {
  const store = await memoryStore();
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
  await assert.rejects(runShard(await attempt(store, trace), stage, SHARD), { code: "engine_died" });
  await assert.rejects(runShard(await attempt(store, trace), stage, SHARD), { code: "engine_died" });
  await assert.rejects(runShard(await attempt(store, trace), stage, SHARD), { code: "piece_poisoned", message: /piece 1 of score of it-0001\.1 ended its process 3 times.*killed by SIGKILL/ });
  assert.deepEqual(computed, [0, 1, 2, 3, 1, 1]);
});
