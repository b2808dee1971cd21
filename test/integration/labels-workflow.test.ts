// The real workflows on a real Temporal server while people label: signals, too few labels at the deadline,
// pause.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { LabelsCounted } from "../../activities/label-contract.ts";
import type { LedgerRow } from "../../campaign/types.ts";
import { placeName } from "../../campaign/ids.ts";
import { labelsGiven, pause, progress, resume } from "../../workflows/messages.ts";
import { withCampaignWorker } from "../support/campaign-worker.ts";
import { STUCK_MS } from "../support/limits.ts";
import type { Script } from "../support/scripted-activities.ts";
import { script } from "../support/scripted-activities.ts";
import type { TestNamespace } from "../support/temporal.ts";
import { NO_TEMPORAL, openNamespace } from "../support/temporal.ts";

const WHO = { by: "ada", why: "to see" };
const PEOPLE = { iterations: 1, baselines: [], labels: { by: "people", audit: true } } as const;

/** What people and the operator have done so far. */
const scriptOf = (count: (rows: readonly LedgerRow[]) => LabelsCounted, plan: object = PEOPLE): Script => ({
  ...script(plan),
  count,
});

async function until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 60_000;
  while (!(await isTrue())) {
    if (performance.now() > end) assert.fail(`waited a minute until ${what}`);
    await sleep(50);
  }
}

const counts = ({ asked }: Script, at = "it-0001.1"): number =>
  asked.filter(({ stage, place }) => stage === "label" && placeName(place) === at).length;
const stages = ({ finished }: Script): string[] =>
  finished
    .filter((entry) => /it-0001.1 (label|audit|pair|score#2)/.test(entry))
    .map((entry) => entry.slice(10));

describe("the stage label", { skip: NO_TEMPORAL, timeout: STUCK_MS }, () => {
  let temporal: TestNamespace;
  before(async () => {
    temporal = await openNamespace();
  });
  after(() => temporal?.close());

  it("waits for people without looking, and looks when a signal comes", async () => {
    let done = false;
    const play = scriptOf(() => ({ labels: done ? 4 : 1, slots: 4, state: done ? "closed" : "open" }));
    await withCampaignWorker(temporal, play, async (start) => {
      const handle = await start();
      await until("it looks", () => counts(play) > 0);
      await sleep(500);
      assert.equal(counts(play), 1, "it does not poll");
      const place = temporal.client.workflow.getHandle(`${handle.workflowId}/it-0001.1`);
      await place.signal(labelsGiven);
      await until("it looks again", () => counts(play) === 2);
      done = true;
      await place.signal(labelsGiven);
      assert.equal((await handle.result()).status, "completed");
    });
    assert.deepEqual(stages(play), ["score#2", "label sealed", "audit", "pair"]);
    const pair = play.asked.findLast(
      ({ stage, place }) => stage === "pair" && "iteration" in place && place.iteration === 1,
    );
    assert.deepEqual([pair?.["from"], pair?.["source"]], ["labels", "it-0001.1-label"]);
  });

  it("pauses the campaign for too few labels; only --extend or --accept resumes it", async () => {
    const play = scriptOf((rows) => {
      const decided = rows.flatMap(({ event }) => (event.type === "resumed" && event.labels) || []);
      if (decided.some((labels) => "accept" in labels)) return { labels: 1, slots: 4, state: "closed" };
      const extendedMs = decided.length;
      return { labels: 1, slots: 4, state: "short", missing: { trained: 1, minimum: 3, extendedMs } };
    });
    await withCampaignWorker(temporal, play, async (start) => {
      const handle = await start();
      const paused = (times: number) => () =>
        play.rows.filter(({ event }) => event.type === "paused").length === times;
      // The row comes first; until the workflow has read that it is written, it says that it runs.
      const isPaused = async () => (await handle.query(progress)).status === "paused";
      await until("it pauses", paused(1));
      await until("it says so", isPaused);
      const refused = handle.executeUpdate(resume, { args: [WHO] });
      await assert.rejects(
        refused,
        (error: { cause?: { type?: string } }) => error.cause?.type === "labels_short",
      );
      await handle.executeUpdate(resume, { args: [{ ...WHO, labels: { extendMs: 1 } }] });
      await until("it pauses again", paused(2));
      await until("it says so again", isPaused);
      await handle.executeUpdate(resume, { args: [{ ...WHO, labels: { accept: true } }] });
      assert.equal((await handle.result()).status, "completed");
    });
    const events = play.rows.map(({ event }) => event);
    const short = events.flatMap((event) => (event.type === "paused" ? [event] : []));
    assert.match(short[0]?.why ?? "", /^labels_short: .* 1 of at least 3 comparisons/);
    assert.deepEqual(
      short.map(({ short: place }) => place),
      ["it-0001.1", "it-0001.1"],
    );
    assert.deepEqual(
      events.flatMap((event) => (event.type === "resumed" ? [event.labels] : [])),
      [
        { extendMs: 1, place: "it-0001.1" },
        { accept: true, place: "it-0001.1" },
      ],
    );
  });

  it("waits on after a pause, and refuses --accept where labels are not short", async () => {
    let done = false;
    const play = scriptOf(() => ({ labels: 1, slots: 4, state: done ? "closed" : "open" }));
    await withCampaignWorker(temporal, play, async (start) => {
      const handle = await start();
      await until("it looks", () => counts(play) === 1);
      await handle.executeUpdate(pause, { args: [WHO] });
      const refused = handle.executeUpdate(resume, { args: [{ ...WHO, labels: { accept: true } }] });
      await assert.rejects(
        refused,
        (error: { cause?: { type?: string } }) => error.cause?.type === "usage_invalid",
      );
      done = true;
      await handle.executeUpdate(resume, { args: [WHO] });
      assert.equal((await handle.result()).status, "completed");
    });
    assert.deepEqual(stages(play), ["score#2", "label sealed", "audit", "pair"]);
  });

  it("waits for people in the bootstrap too, and pauses there", async () => {
    const plan = { iterations: 1, baselines: [], bootstrapLabels: { by: "people", audit: true } } as const;
    const play = scriptOf((rows) => {
      if (rows.some(({ event }) => event.type === "resumed")) return { labels: 1, slots: 4, state: "closed" };
      const missing = { trained: 1, minimum: 3, extendedMs: 0 };
      return { labels: 1, slots: 4, state: "short", missing };
    }, plan);
    await withCampaignWorker(temporal, play, async (start) => {
      const handle = await start();
      await until("it pauses", async () => (await handle.query(progress)).status === "paused");
      await handle.executeUpdate(resume, { args: [{ ...WHO, labels: { accept: true } }] });
      assert.equal((await handle.result()).status, "completed");
    });
    const short = play.rows.flatMap(({ event }) => (event.type === "paused" ? [event.short] : []));
    assert.deepEqual(short, ["it-0000.1"]);
    const bootstrap = play.finished.flatMap((entry) => entry.split("it-0000.1 ")[1] ?? []);
    const order = ["label sealed", "pair", "reward", "score#0", "audit"];
    assert.deepEqual(bootstrap.filter((entry) => order.includes(entry)).slice(0, order.length), order);
  });

  it("asks the module, and waits for nobody", async () => {
    const play = scriptOf(() => assert.fail("nobody waits"), {
      ...PEOPLE,
      labels: { by: "module", audit: true },
    });
    await withCampaignWorker(temporal, play, async (start) => {
      assert.equal((await (await start()).result()).status, "completed");
    });
    assert.deepEqual(stages(play), ["score#2", "label", "label sealed", "audit", "pair"]);
  });
});
