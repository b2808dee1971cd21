// Campaigns that are longer than one run's history, on a real server with a low limit: workflows continue as
// new when none of their activities runs, and the results are those of one long run. At full size: `npm run
// histories` (docs/safety.md).
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createControlActivities, createStageActivities } from "../../activities/index.ts";
import { campaignWorkflowId } from "../../campaign/ids.ts";
import { foldLedger } from "../../campaign/rules.ts";
import type { CampaignRecord, LedgerEvent, LedgerRow } from "../../campaign/types.ts";
import { openStore } from "../../store/index.ts";
import { labelsGiven, pause, progress, resume } from "../../workflows/messages.ts";
import { withActivities, withCampaignWorker } from "../support/campaign-worker.ts";
import type { CampaignHandle } from "../support/campaign-worker.ts";
import { NO_TEMPORAL_BIN } from "../support/dev-campaign.ts";
import { readHistories } from "../support/histories.ts";
import type { RunHistory } from "../support/histories.ts";
import { startLimitedServer } from "../support/limited-server.ts";
import { gate, script } from "../support/scripted-activities.ts";
import { createStubbed, stubbedDeps } from "../support/stubbed-work.ts";
import type { StubbedSize } from "../support/stubbed-work.ts";
import { openNamespace } from "../support/temporal.ts";
import type { TestNamespace } from "../support/temporal.ts";
import { STUCK_MS } from "../support/limits.ts";

/** About two iterations of the campaign's own events, and a few groups of concurrent shards. */
const EVENTS_MAX = 60;
const PAYLOAD_MAX = 4096;
const ask = { by: "test", why: "to see" };

describe("continue-as-new", { skip: NO_TEMPORAL_BIN, timeout: STUCK_MS }, () => {
  let limited: TestNamespace;
  let unlimited: TestNamespace;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "ratchet-continue-"));
    [limited, unlimited] = await Promise.all([startLimitedServer(EVENTS_MAX), openNamespace()]);
  });
  after(async () => {
    await Promise.all([limited?.close(), unlimited?.close()]);
    await rm(folder, { recursive: true, force: true });
  });

  /** Runs a campaign with real activities on a real store; only the computing is stubbed. */
  async function conduct(
    temporal: TestNamespace,
    name: string,
    size: StubbedSize,
    during: (handle: CampaignHandle) => Promise<unknown> = async () => undefined,
  ): Promise<{ record: CampaignRecord; runs: RunHistory[] }> {
    const dir = join(folder, `${name}-${temporal === limited ? "limited" : "unlimited"}`);
    const store = await openStore(`dir:${join(dir, "store")}`);
    const deps = stubbedDeps(store, join(dir, "scratch"));
    const input = await createStubbed(store, name, size);
    return withActivities(
      temporal,
      { control: createControlActivities(deps), stages: createStageActivities(deps) },
      async (start) => {
        const handle = await start(input);
        await during(handle);
        assert.equal((await handle.result()).status, "completed");
        const record = foldLedger(name, (await store.ledger(name).read<LedgerEvent>()) as LedgerRow[]);
        return {
          record,
          runs: await readHistories(temporal.connection, temporal.namespace, campaignWorkflowId(name)),
        };
      },
    );
  }

  const results = ({ iterations, baselines, latest, promoted }: CampaignRecord) => ({
    iterations,
    baselines,
    latest,
    promoted,
  });
  const continued = (runs: RunHistory[], type: string): number =>
    runs.filter((run) => run.type === type && run.continued).length;

  /**
   * A run ends at the first chance after the server's suggestion: one group of shards or one iteration comes
   * on top.
   */
  function assertBounded(runs: RunHistory[], eventsMax: number): void {
    const longest = runs.reduce((one, other) => (other.events > one.events ? other : one));
    assert.ok(longest.events <= eventsMax, `${longest.workflowId} has a run of ${longest.events} events`);
    const largest = runs.reduce((one, other) => (other.largest.bytes > one.largest.bytes ? other : one));
    assert.ok(
      largest.largest.bytes <= PAYLOAD_MAX,
      `${largest.workflowId} has a payload of ${largest.largest.bytes} bytes in ${largest.largest.event}`,
    );
  }

  it("6 iterations: bounded runs and payloads, and the digests of one long run", async () => {
    const size = { iterations: 6, perIteration: 2, wave: 4, baseline: true };
    const [one, other] = [await conduct(limited, "long", size), await conduct(unlimited, "long", size)];
    assert.ok(continued(one.runs, "campaign") > 0, `${continued(one.runs, "campaign")} times`);
    assert.equal(continued(other.runs, "campaign"), 0);
    assertBounded(one.runs, 3 * EVENTS_MAX);
    assert.deepEqual(results(one.record), results(other.record));
    assert.equal(one.record.iterations.length, 7);
  });

  it("48 shards with a pause: bounded runs and payloads, and the digests of one long run", async () => {
    const size = { iterations: 1, perIteration: 48, wave: 8, baseline: false };
    const one = await conduct(limited, "wide", size, async (handle) => {
      while (
        (await handle.query(progress)).running.every(
          (place) => !("iteration" in place) || place.iteration === 0,
        )
      )
        await sleep(50);
      await sleep(500);
      await handle.executeUpdate(pause, { args: [ask] });
      await handle.executeUpdate(resume, { args: [ask] });
    });
    const other = await conduct(unlimited, "wide", size);
    assert.ok(continued(one.runs, "iteration") > 3, `${continued(one.runs, "iteration")} times`);
    assertBounded(one.runs, 3 * EVENTS_MAX);
    assert.deepEqual(results(one.record), results(other.record));
  });

  it("a continued run ends with lease_lost if another server took the campaign over in between", async () => {
    const name = "overtaken";
    const store = await openStore(`dir:${join(folder, name, "store")}`);
    const deps = stubbedDeps(store, join(folder, name, "scratch"));
    const input = await createStubbed(store, name, {
      iterations: 10,
      perIteration: 2,
      wave: 4,
      baseline: false,
    });
    const control = createControlActivities(deps);
    let opens = 0;
    const open: typeof control.open = async (asked) => {
      opens += 1;
      const event: LedgerEvent = { type: "opened", server: "other", namespace: "other", runId: "theirs" };
      if (opens === 2)
        await store.ledger(name).takeOver({ id: "opened:theirs", event, by: "workflow:theirs" });
      return control.open(asked);
    };
    await withActivities(
      limited,
      { control: { ...control, open }, stages: createStageActivities(deps) },
      async (start) => {
        const handle = await start(input);
        await assert.rejects(
          handle.result(),
          (error: Error & { cause?: { type?: string } }) => error.cause?.type === "lease_lost",
        );
      },
    );
    const runs = await readHistories(limited.connection, limited.namespace, campaignWorkflowId(name));
    assert.equal(continued(runs, "campaign"), 1);
    const last = (await store.ledger(name).read<LedgerEvent>()).at(-1);
    assert.deepEqual(
      [last?.event.type, last?.by, last?.epoch],
      ["opened", "workflow:theirs", 2],
      "no row follows the row of the new owner",
    );
  });

  it("two concurrent splits of many shards continue together in the next run, each shard once", async () => {
    const shards = 24;
    const play = script({
      iterations: 1,
      baselines: [],
      pieces: { bootstrap: 2, audit: 1, iteration: 2, baseline: 2, validation: shards, test: 2 * shards },
      shardPieces: 1,
      maxConcurrentShards: 4,
    });
    const runs = await withCampaignWorker(limited, play, async (start) => {
      const handle = await start();
      assert.equal((await handle.result()).status, "completed");
      return readHistories(limited.connection, limited.namespace, handle.workflowId);
    });
    assert.ok(continued(runs, "iteration") > 1, `${continued(runs, "iteration")} times`);
    assertBounded(runs, 3 * EVENTS_MAX);
    const evaluated = play.finished.filter((entry) => entry.startsWith("it-0001.1 answer"));
    assert.equal(evaluated.length, 3 * shards);
    assert.equal(
      new Set(evaluated).size,
      2 * shards,
      "numbers of shards: the test split's, and those of both",
    );
  });

  it("with a long history, iterations wait for a concurrent baseline before the next run", async () => {
    const play = script({ iterations: 8 });
    const training = gate();
    play.before = (stage, place) =>
      stage === "train" && place.startsWith("base-") ? training.wait() : undefined;
    await withCampaignWorker(limited, play, async (start) => {
      const handle = await start();
      await training.reached;
      for (
        let running = (await handle.query(progress)).running;
        running.some((place) => "iteration" in place);
        { running } = await handle.query(progress)
      )
        await sleep(100);
      const finished = (): number =>
        play.rows.filter(({ event }) => event.type === "iteration-finished").length;
      const before = finished();
      assert.ok(before < 8, `${before} iterations did not wait`);
      training.open();
      assert.equal((await handle.result()).status, "completed");
      assert.equal(finished(), 8);
    });
    const epochOf = (type: string): number[] =>
      play.rows.filter(({ event }) => event.type === type).map(({ epoch }) => epoch);
    assert.deepEqual(epochOf("baseline-finished"), [1], "the baseline ended in the run that had started it");
    assert.ok(Math.max(...epochOf("iteration-finished")) > 1, "later iterations belong to later runs");
  });

  it("a place that waits for people continues as new, and closes its questionnaire once", async () => {
    let looks = 0;
    const play = script({ iterations: 1, baselines: [], labels: { by: "people", audit: false } });
    play.count = () => {
      looks += 1;
      return { labels: looks, slots: 40, state: looks < 40 ? "open" : "closed" };
    };
    await withCampaignWorker(limited, play, async (start) => {
      const handle = await start("people");
      const place = limited.client.workflow.getHandle(`${campaignWorkflowId("people")}/it-0001.1`);
      while (looks === 0) await sleep(50);
      while (looks < 40) {
        const before = looks;
        await place.signal(labelsGiven);
        while (looks === before) await sleep(20);
      }
      assert.equal((await handle.result()).status, "completed");
    });
    const { connection, namespace } = limited;
    const runs = await readHistories(connection, namespace, campaignWorkflowId("people"));
    assert.ok(continued(runs, "iteration") > 0);
    assertBounded(runs, 3 * EVENTS_MAX);
    assert.equal(play.finished.filter((entry) => entry === "it-0001.1 label sealed").length, 1);
  });
});
