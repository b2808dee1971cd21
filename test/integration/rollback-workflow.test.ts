// A rollback of the real workflows on a real Temporal server with scripted activities: at each moment, the
// campaign goes on from the iteration that was named, and no place runs twice.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { cancel, pause, resume, rollback } from "../../workflows/messages.ts";
import type { ControlRequest } from "../../workflows/messages.ts";
import type { CampaignHandle } from "../support/campaign-worker.ts";
import { withCampaignWorker } from "../support/campaign-worker.ts";
import type { Script } from "../support/scripted-activities.ts";
import { gate, holding, script } from "../support/scripted-activities.ts";
import type { TestNamespace } from "../support/temporal.ts";
import { NO_TEMPORAL, openNamespace } from "../support/temporal.ts";
import { STUCK_MS } from "../support/limits.ts";

describe("rollback", { skip: NO_TEMPORAL, timeout: STUCK_MS }, () => {
  let temporal: TestNamespace;
  before(async () => {
    temporal = await openNamespace();
  });
  after(() => temporal?.close());

  const ask = { by: "test", why: "the judge falls" };
  const back = (handle: CampaignHandle, iteration: number, more = {}, updateId?: string) =>
    handle.executeUpdate(rollback, { args: [{ ...ask, to: { iteration, ...more } }], updateId });
  const refused = (rolling: Promise<unknown>, message: RegExp) =>
    assert.rejects(rolling, (error: Error) => message.test(String(error.cause)));

  /** Runs until the first attempt of a stage of a place begins, and holds it there. */
  async function heldAt(
    play: Script,
    at: [place: string, stage: string],
    act: (handle: CampaignHandle) => Promise<void>,
  ): Promise<void> {
    const reached = holding(play, at);
    await withCampaignWorker(temporal, play, async (start) => {
      const handle = await start();
      await reached.reached;
      await act(handle);
      reached.open();
      assert.equal((await handle.result()).status, "completed");
    });
  }
  /** Finished iterations and decisions of people, in the order of the ledger. */
  const told = (play: Script): string[] =>
    play.rows.flatMap(({ event }) => {
      if (event.type === "iteration-finished") return [`${event.iteration}.${event.take}`];
      if (event.type === "rolled-back") return [`back to ${event.restored.latest.iteration}`];
      return [];
    });
  const startOf = (play: Script, place: string): unknown =>
    play.asked.find(
      (input) =>
        input.stage === "train" &&
        "iteration" in input.place &&
        place === `${input.place.iteration}.${input.place.take}`,
    )?.["start"];

  it("ends the iteration that runs, and makes the next one with a fresh take", async () => {
    const play = script({ iterations: 3, baselines: [] });
    await heldAt(play, ["it-0003.1", "train"], async (handle) => {
      assert.deepEqual(await back(handle, 1), { status: "running" });
    });
    assert.deepEqual(told(play), ["1.1", "2.1", "back to 1", "2.2", "3.2"]);
    assert.equal(startOf(play, "2.2"), "it-0001.1-train-policy");
    assert.equal(startOf(play, "3.2"), "it-0002.2-train-policy");
    const completed = play.rows.at(-1)?.event;
    assert.deepEqual(completed, {
      type: "completed",
      latest: "it-0003.2-train-policy",
      promoted: "it-0003.2-train-policy",
    });
  });

  it("of a paused campaign waits for the resume", async () => {
    const play = script({ iterations: 2, baselines: [] });
    await heldAt(play, ["it-0002.1", "pair"], async (handle) => {
      await handle.executeUpdate(pause, { args: [ask] });
      assert.deepEqual(await back(handle, 0), { status: "paused" });
      await handle.executeUpdate(resume, { args: [ask] });
    });
    assert.deepEqual(told(play), ["1.1", "back to 0", "1.2", "2.2"]);
  });

  it("with all iterations done makes them again while a baseline still trains", async () => {
    const play = script({ iterations: 2 });
    await heldAt(play, ["base-offline.1", "train"], async (handle) => {
      while (told(play).length < 2) await new Promise((done) => setTimeout(done, 20));
      await back(handle, 1);
      while (!told(play).includes("2.2")) await new Promise((done) => setTimeout(done, 20));
    });
    assert.deepEqual(told(play), ["1.1", "2.1", "back to 1", "2.2"]);
    assert.equal(play.rows.filter(({ event }) => event.type === "completed").length, 1);
  });

  it("is refused if the iteration has not finished or does not count, and acts once for one id", async () => {
    const play = script({ iterations: 3, baselines: [] });
    await heldAt(play, ["it-0003.1", "generate"], async (handle) => {
      await refused(back(handle, 3), /iteration 3 has not finished/);
      await refused(back(handle, 2, { take: 7 }), /take 7 of iteration 2 does not count: take 1 does/);
      const [first, second] = await Promise.all([back(handle, 2, {}, "one"), back(handle, 2, {}, "one")]);
      assert.deepEqual([first, second], [{ status: "running" }, { status: "running" }]);
    });
    assert.deepEqual(told(play), ["1.1", "2.1", "back to 2", "3.2"]);
  });

  it("and a cancel at once end the campaign as cancelled", async () => {
    const play = script({ iterations: 3, baselines: [] });
    const reached = gate();
    play.before = (stage, place) => (stage === "train" && place === "it-0002.1" ? reached.wait() : undefined);
    await withCampaignWorker(temporal, play, async (start) => {
      const handle = await start();
      await reached.reached;
      await Promise.all([back(handle, 1), handle.executeUpdate(cancel, { args: [ask] })]);
      assert.equal((await handle.result()).status, "cancelled");
    });
    const types = play.rows.slice(-2).map(({ event }) => event.type);
    assert.deepEqual(types.toSorted(), ["cancelled", "rolled-back"]);
  });

  it("two of them follow one another", async () => {
    const play = script({ iterations: 3, baselines: [] });
    await heldAt(play, ["it-0003.1", "train"], async (handle) => {
      // Two requests at once may arrive in either order, and after the other one the first would be refused.
      const args: [ControlRequest] = [{ ...ask, to: { iteration: 2 } }];
      const first = await handle.startUpdate(rollback, { args, waitForStage: "ACCEPTED" });
      await Promise.all([first.result(), back(handle, 1)]);
    });
    assert.deepEqual(told(play).slice(-4), ["back to 2", "back to 1", "2.3", "3.3"]);
  });
});
