// `pause --at` of the real workflows on a real Temporal server with scripted activities.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { pause, progress, resume, rollback } from "../../workflows/messages.ts";
import type { ControlRequest } from "../../workflows/messages.ts";
import type { CampaignHandle } from "../support/campaign-worker.ts";
import { withCampaignWorker } from "../support/campaign-worker.ts";
import type { Script } from "../support/scripted-activities.ts";
import { holding, script } from "../support/scripted-activities.ts";
import type { TestNamespace } from "../support/temporal.ts";
import { NO_TEMPORAL, openNamespace } from "../support/temporal.ts";
import { STUCK_MS } from "../support/limits.ts";

describe("pause --at", { skip: NO_TEMPORAL, timeout: STUCK_MS }, () => {
  let temporal: TestNamespace;
  before(async () => {
    temporal = await openNamespace();
  });
  after(() => temporal?.close());

  const ask = { by: "test", why: "the machine is needed at six" };
  const pauseAt = (handle: CampaignHandle, at: ControlRequest["at"]) =>
    handle.executeUpdate(pause, { args: [{ ...ask, at }] });
  const go = (handle: CampaignHandle) => handle.executeUpdate(resume, { args: [ask] });
  async function untilPaused(handle: CampaignHandle): Promise<void> {
    while ((await handle.query(progress)).status !== "paused") await delay(50);
  }

  /** Few stages; a fan-out runs one shard at a time. */
  const few = (iterations: number): Script =>
    script({
      iterations,
      baselines: [],
      sft: false,
      reward: false,
      preferences: "none",
      bootstrapLabels: undefined,
      proxy: "none",
      judge: false,
      maxConcurrentShards: 1,
    });

  /** Holds the first attempt of a stage of a place. `act`: with it held. `released`: afterwards. */
  async function heldAt(
    play: Script,
    at: [place: string, stage: string],
    act: (handle: CampaignHandle) => Promise<void>,
    released: (handle: CampaignHandle) => Promise<void>,
  ): Promise<void> {
    const reached = holding(play, at);
    await withCampaignWorker(temporal, play, async (start) => {
      const handle = await start();
      await reached.reached;
      try {
        await act(handle);
      } finally {
        reached.open();
      }
      await released(handle);
      assert.equal((await handle.result()).status, "completed");
    });
  }
  const types = (play: Script): string[] => play.rows.map(({ event }) => event.type);
  const attempts = (play: Script, place: string, stage: string): number =>
    play.asked.filter((input) => input.stage === stage && JSON.stringify(input.place) === place).length;

  it("iteration lets the iteration end, then nothing begins until the resume", async () => {
    const play = few(2);
    await heldAt(
      play,
      ["it-0001.1", "train"],
      async (handle) => {
        assert.deepEqual(await pauseAt(handle, "iteration"), { status: "running", pausingAfter: 1 });
        await assert.rejects(pauseAt(handle, "iteration"), (error: Error) =>
          /pauses after iteration 1 already/.test(String(error.cause)),
        );
      },
      async (handle) => {
        await untilPaused(handle);
        assert.equal(types(play).at(-1), "iteration-finished");
        assert.equal(attempts(play, '{"iteration":1,"take":1}', "train"), 1, "nothing was interrupted");
        await go(handle);
      },
    );
    const paused = play.rows.find(({ event }) => event.type === "paused")?.event;
    assert.deepEqual(paused, { type: "paused", at: "iteration", after: 1, ...ask });
  });

  it("iteration after the last one waits before the campaign completes; a resume withdraws it", async () => {
    const play = few(1);
    await heldAt(
      play,
      ["it-0001.1", "train"],
      async (handle) => {
        await pauseAt(handle, "iteration");
        assert.deepEqual(await go(handle), { status: "running" });
        await pauseAt(handle, "iteration");
      },
      async (handle) => {
        await untilPaused(handle);
        assert.equal(types(play).includes("completed"), false);
        await go(handle);
      },
    );
  });

  it("iteration and a rollback: the iteration that it waited for has ended, so it pauses", async () => {
    const play = few(2);
    await heldAt(
      play,
      ["it-0002.1", "train"],
      async (handle) => {
        await pauseAt(handle, "iteration");
        const back = { ...ask, to: { iteration: 1 } };
        assert.deepEqual(await handle.executeUpdate(rollback, { args: [back] }), { status: "paused" });
      },
      async (handle) => void (await go(handle)),
    );
    assert.ok(play.finished.includes("it-0002.2 train"));
  });

  const GENERATE = ['{"iteration":1,"take":1}', "generate"] as const;

  it("shard lets the running shard end and begins no other until the resume", async () => {
    const play = few(1);
    await heldAt(
      play,
      ["it-0001.1", "generate"],
      async (handle) => {
        await pauseAt(handle, "shard");
        // Longer than a cancellation needs to arrive.
        await delay(2_000);
      },
      async (handle) => {
        while (!play.finished.includes("it-0001.1 generate#0")) await delay(20);
        await delay(2_000);
        assert.equal(attempts(play, ...GENERATE), 1, "no other begins");
        await go(handle);
      },
    );
    assert.equal(attempts(play, ...GENERATE), 4, "three shards and the seal, each once");
  });

  it("now interrupts the running shard, which begins again after the resume", async () => {
    const play = few(1);
    await heldAt(
      play,
      ["it-0001.1", "generate"],
      async (handle) => {
        await pauseAt(handle, "now");
        await go(handle);
        while (attempts(play, ...GENERATE) < 2) await delay(20);
      },
      async () => undefined,
    );
    assert.equal(attempts(play, ...GENERATE), 5, "the first shard twice, the others and the seal once");
  });
});
