import assert from "node:assert/strict";
import { it } from "node:test";
import { RatchetError } from "../errors/index.ts";
import type { Store } from "../store/types.ts";
import type { StageContext } from "./attempt/context.ts";
import type { Heartbeat } from "../temporal/heartbeat.ts";
import { crashesAfter } from "./attempt/piece-crashes.ts";
import type { FanOutInput } from "./contract.ts";
import type { PieceStage } from "./pieces.ts";
import { runShard, sealStage } from "./pieces.ts";
import { fakeDeps, memoryStore, smallSpec, stageContext } from "./attempt/stage-context.test.support.ts";

const SHARD = { index: 0, from: 0, to: 4 };

const attempt = async (store: Store, heartbeat: Heartbeat): Promise<StageContext<FanOutInput>> => ({
  ...stageContext<FanOutInput>({
    spec: await smallSpec(store),
    deps: fakeDeps({ store }),
    input: { stage: "score", of: "iteration", completions: "c" },
  }),
  heartbeat,
});

it("computes a crashing piece last, and names it after three crashes; all others are done", async () => {
  const store = await memoryStore();
  const computed: number[] = [];
  const stage: PieceStage = {
    pieces: 4,
    inputs: (index) => index,
    async compute(index) {
      computed.push(index);
      if (index === 1) throw new RatchetError("engine_died", "killed by SIGKILL");
      return { rows: [{ index }], prompts: 1, counts: {} };
    },
    seal: () => assert.fail("a shard is not sealed"),
  };
  const heartbeat: Heartbeat = {};
  await assert.rejects(runShard(await attempt(store, heartbeat), stage, SHARD), { code: "engine_died" });
  await assert.rejects(runShard(await attempt(store, heartbeat), stage, SHARD), { code: "engine_died" });
  await assert.rejects(runShard(await attempt(store, heartbeat), stage, SHARD), {
    code: "piece_poisoned",
    message: /piece 1 of score of it-0001\.1 ended its process 3 times.*killed by SIGKILL/,
  });
  assert.deepEqual(computed, [0, 1, 2, 3, 1, 1]);
});

it("a module that keeps dying on one piece ends the campaign under its own name", async () => {
  const store = await memoryStore();
  const stage = stageOf(
    {
      async compute(index) {
        if (index !== 1) return { rows: [{ index }], prompts: 1, counts: {} };
        // Other pieces are answered in between, so the runner's own count starts again each time.
        throw new RatchetError("module_died", "the reward module's process ended with exit code 3", {
          retryable: true,
        });
      },
      onCrash: () => assert.fail("the piece is not to blame"),
    },
    [],
  );
  const heartbeat: Heartbeat = {};
  for (const retryable of [true, true, false, false])
    await assert.rejects(runShard(await attempt(store, heartbeat), stage, SHARD), {
      code: "module_died",
      retryable,
    });
});

const stageOf = (more: Partial<PieceStage>, computed: number[]): PieceStage => ({
  pieces: 4,
  inputs: (index) => index,
  async compute(index) {
    computed.push(index);
    return { rows: [{ index }], prompts: 1, counts: {} };
  },
  seal: () => assert.fail("a shard is not sealed"),
  ...more,
});

it("counts a crash for a piece during which the worker died, none if the attempt ended by itself", () => {
  assert.deepEqual(crashesAfter(undefined), {});
  assert.deepEqual(crashesAfter({ begun: [2], deaths: { 1: 1 } }), { 1: 1, 2: 1 });
  assert.deepEqual(crashesAfter({ begun: [2], deaths: { 2: 2 } }), { 2: 3 });
  assert.deepEqual(crashesAfter({ begun: [2], deaths: { 2: 1 }, ended: true }), { 2: 1 });
});

it("does not compute a piece again that three workers died of, and names it at the end", async () => {
  const store = await memoryStore();
  const computed: number[] = [];
  await assert.rejects(runShard(await attempt(store, { deaths: { 1: 3 } }), stageOf({}, computed), SHARD), {
    code: "piece_poisoned",
    message: /piece 1 .*its worker died/,
  });
  assert.deepEqual(computed, [0, 2, 3]);
});

it("commits a piece that it gives up without rows, with its prompts and the cause", async () => {
  const store = await memoryStore();
  const computed: number[] = [];
  const stage = stageOf({ onCrash: (index) => [`p${index}`] }, computed);
  assert.deepEqual(await runShard(await attempt(store, { deaths: { 1: 3 } }), stage, SHARD), {
    pieces: 4,
    adopted: 0,
  });
  assert.deepEqual(
    await runShard(await attempt(store, {}), stage, SHARD),
    { pieces: 4, adopted: 4 },
    "a piece that was given up is adopted like any other",
  );
  let sealed: unknown;
  await sealStage(await attempt(store, {}), {
    ...stage,
    seal: async (pieces, counts) => ({ result: { stage: "score", pieces, counts }, values: {} }),
  });
  for await (const key of store.backend.list("campaigns/small/results/it-0001.1/score/"))
    if (!key.includes("piece-"))
      sealed = (await store.readManifest<{ result: unknown; schema: string; facts: object }>(key))?.manifest
        .result;
  assert.deepEqual((sealed as { dropped: unknown }).dropped, [
    {
      piece: 1,
      prompts: ["p1"],
      cause: "piece 1 of score of it-0001.1 ended its process 3 times: its worker died",
    },
  ]);
});

it("computes suspected pieces one at a time", async () => {
  let [running, most] = [0, 0];
  const stage = stageOf(
    {
      async compute(index) {
        most = Math.max(most, (running += 1));
        await new Promise((resolve) => setTimeout(resolve, 20));
        running -= 1;
        return { rows: [{ index }], prompts: 1, counts: {} };
      },
    },
    [],
  );
  const store = await memoryStore();
  const suspected = async (from: number): Promise<unknown> =>
    runShard(await attempt(store, { deaths: { 0: 1, 1: 1, 2: 1, 3: 1 } }), stage, {
      index: from,
      from,
      to: from + 1,
    });
  await Promise.all([0, 1, 2, 3].map(suspected));
  assert.equal(most, 1);
});
