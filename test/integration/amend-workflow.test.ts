// Amendments of the real workflows on a real Temporal server with scripted activities: at each moment, the
// iteration that runs keeps its plan, and the next one has the new plan.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { placeName } from "../../campaign/ids.ts";
import { amend, cancel, pause, progress, resume, rollback } from "../../workflows/messages.ts";
import type { CampaignHandle } from "../support/campaign-worker.ts";
import { withCampaignWorker } from "../support/campaign-worker.ts";
import type { Script } from "../support/scripted-activities.ts";
import { gate, holding, script } from "../support/scripted-activities.ts";
import type { TestNamespace } from "../support/temporal.ts";
import { NO_TEMPORAL, openNamespace } from "../support/temporal.ts";
import { STUCK_MS } from "../support/limits.ts";

describe("amend", { skip: NO_TEMPORAL, timeout: STUCK_MS }, () => {
  let temporal: TestNamespace;
  before(async () => {
    temporal = await openNamespace();
  });
  after(() => temporal?.close());

  const ask = { by: "test", why: "the loss oscillates" };
  const amendTo = (handle: CampaignHandle, specDigest: string, base = "spec", updateId?: string) =>
    handle.executeUpdate(amend, { args: [{ ...ask, amendment: { specDigest, base } }], updateId });
  const refused = (amending: Promise<unknown>, message: RegExp) =>
    assert.rejects(amending, (error: Error) => message.test(String(error.cause)));

  /** The amended specs have one piece a shard, and `longer` has one more iteration. */
  function amendable(iterations: number): Script {
    // Few stages: what they are matters to no test here.
    const play = script({
      iterations,
      baselines: [],
      reward: false,
      preferences: "none",
      bootstrapLabels: undefined,
      proxy: "none",
      judge: false,
    });
    const plan = { ...play.plan, shardPieces: 1 };
    play.amended = { one: plan, two: plan, longer: { ...plan, iterations: iterations + 1 } };
    return play;
  }

  async function heldAt(
    play: Script,
    at: [place: string, stage: string],
    act: (handle: CampaignHandle) => Promise<void>,
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
      assert.equal((await handle.result()).status, "completed");
    });
  }

  /** Finished iterations and amendments, in the order of the ledger. */
  const told = (play: Script): string[] =>
    play.rows.flatMap(({ event }) => {
      if (event.type === "iteration-finished") return [`${event.iteration}.${event.take}`];
      if (event.type === "amended") return [`${event.specDigest} from ${placeName(event.holdsFrom)}`];
      if (event.type === "rolled-back") return [`back to ${event.restored.latest.iteration}`];
      return [];
    });
  /** Specs that the stages of a place were given, and into how many shards `generate` was cut. */
  const ran = (play: Script, place: string): { specs: string[]; shards: number } => {
    const inputs = play.asked.filter((input) => placeName(input.place) === place);
    return {
      specs: [...new Set(inputs.map(({ campaign }) => campaign.specDigest))],
      shards: play.finished.filter((entry) => entry.startsWith(`${place} generate#`)).length,
    };
  };
  const BEFORE = { specs: ["spec"], shards: 3 };
  const AFTER = (spec: string) => ({ specs: [spec], shards: 5 });

  it("in mid-iteration holds from the next one on", async () => {
    const play = amendable(3);
    await heldAt(play, ["it-0002.1", "train"], async (handle) => {
      assert.deepEqual(await amendTo(handle, "one"), { status: "running" });
    });
    assert.deepEqual(told(play), ["1.1", "one from it-0003.1", "2.1", "3.1"]);
    assert.deepEqual([ran(play, "it-0002.1"), ran(play, "it-0003.1")], [BEFORE, AFTER("one")]);
  });

  it("in the bootstrap leaves the bootstrap and the baselines as they are", async () => {
    const play = amendable(1);
    play.plan.baselines = [{ name: "offline", pairs: "labels" }];
    await heldAt(play, ["it-0000.1", "sft"], async (handle) => void (await amendTo(handle, "one")));
    assert.deepEqual(told(play), ["one from it-0001.1", "1.1"]);
    assert.deepEqual(ran(play, "it-0000.1").specs, ["spec"]);
    assert.deepEqual(ran(play, "base-offline.1").specs, ["spec"]);
    assert.deepEqual(ran(play, "it-0001.1"), AFTER("one"));
  });

  it("with more iterations extends a running campaign", async () => {
    const play = amendable(2);
    await heldAt(play, ["it-0002.1", "train"], async (handle) => {
      await amendTo(handle, "longer");
      assert.equal((await handle.query(progress)).iterations, 3);
    });
    assert.deepEqual(told(play), ["1.1", "longer from it-0003.1", "2.1", "3.1"]);
  });

  it("with more iterations extends a paused campaign, which waits for the resume", async () => {
    const play = amendable(1);
    await heldAt(play, ["it-0001.1", "pair"], async (handle) => {
      await handle.executeUpdate(pause, { args: [ask] });
      assert.deepEqual(await amendTo(handle, "longer"), { status: "paused" });
      await handle.executeUpdate(resume, { args: [ask] });
    });
    assert.deepEqual(told(play), ["longer from it-0002.1", "1.1", "2.1"]);
  });

  it("while the row of a finished iteration is written: the next one waits for it", async () => {
    const play = amendable(2);
    const writing = gate();
    play.writing = (event) => (event.type === "iteration-finished" ? writing.wait() : undefined);
    await withCampaignWorker(temporal, play, async (start) => {
      const handle = await start();
      await writing.reached;
      const amending = amendTo(handle, "one");
      writing.open();
      await amending;
      assert.equal((await handle.result()).status, "completed");
    });
    const [held] = told(play).filter((line) => line.startsWith("one"));
    assert.ok(held === "one from it-0002.1" || held === "one from it-0003.1", held);
    assert.deepEqual(ran(play, "it-0002.1"), held.endsWith("2.1") ? AFTER("one") : BEFORE);
  });

  it("acts once for one request id, and of two operators at once the second is refused", async () => {
    const play = amendable(3);
    await heldAt(play, ["it-0002.1", "train"], async (handle) => {
      await Promise.all([amendTo(handle, "one", "spec", "r"), amendTo(handle, "one", "spec", "r")]);
      await refused(amendTo(handle, "two"), /amended meanwhile/);
      const both = await Promise.allSettled([
        amendTo(handle, "two", "one"),
        amendTo(handle, "longer", "one"),
      ]);
      assert.deepEqual(both.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
    });
    assert.equal(told(play).filter((line) => line.includes("from")).length, 2);
  });

  it("and a rollback at once: the iteration after both has the amended plan", async () => {
    const play = amendable(3);
    await heldAt(play, ["it-0003.1", "train"], async (handle) => {
      await Promise.all([
        amendTo(handle, "one"),
        handle.executeUpdate(rollback, { args: [{ ...ask, to: { iteration: 1 } }] }),
      ]);
    });
    assert.deepEqual(told(play).slice(-2), ["2.2", "3.2"]);
    assert.deepEqual(ran(play, "it-0003.1").specs, ["spec"]);
    assert.deepEqual([ran(play, "it-0002.2"), ran(play, "it-0003.2")], [AFTER("one"), AFTER("one")]);
  });

  it("and a cancel at once end the campaign as cancelled", async () => {
    const play = amendable(3);
    const reached = holding(play, ["it-0002.1", "train"]);
    await withCampaignWorker(temporal, play, async (start) => {
      const handle = await start();
      await reached.reached;
      await Promise.allSettled([amendTo(handle, "one"), handle.executeUpdate(cancel, { args: [ask] })]);
      assert.equal((await handle.result()).status, "cancelled");
    });
  });

  it("a run that opens the ledger again has the same plan at the same place", async () => {
    const play = amendable(3);
    const reached = holding(play, ["it-0002.1", "train"]);
    await withCampaignWorker(temporal, play, async (start) => {
      const first = await start("again");
      await reached.reached;
      await amendTo(first, "one");
      await first.terminate("the test");
      reached.open();
      const second = await start("again");
      assert.equal((await second.result()).status, "completed");
    });
    assert.deepEqual(told(play), ["1.1", "one from it-0003.1", "2.1", "3.1"]);
    assert.deepEqual(ran(play, "it-0002.1").specs, ["spec"]);
    assert.deepEqual(ran(play, "it-0003.1"), AFTER("one"));
  });
});
