// Records the histories that replay.test.ts guards: node dist/test/histories/record.js (needs
// RATCHET_TEST_TEMPORAL, see CONTRIBUTING); with names, only those stories. Refresh one only with a change of
// workflow code that cannot replay it, and say why in the commit.
import "../support/quiet.ts";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ApplicationFailure } from "@temporalio/common";
import { historyToJSON } from "@temporalio/common/lib/proto-utils.js";
import { campaignWorkflowId } from "../../campaign/ids.ts";
import { TemporalGateway } from "../../temporal/temporal-gateway.ts";
import { amend, cancel, pause, progress, resume } from "../../workflows/messages.ts";
import { withCampaignWorker } from "../support/campaign-worker.ts";
import type { CampaignHandle } from "../support/campaign-worker.ts";
import type { Script } from "../support/scripted-activities.ts";
import { gate, script } from "../support/scripted-activities.ts";
import type { TestNamespace } from "../support/temporal.ts";
import { openNamespace } from "../support/temporal.ts";

const ask = { by: "recorder", why: "for the replay test" };
const stories: Record<string, (play: Script) => (handle: CampaignHandle) => Promise<unknown>> = {
  completed: () => (handle) => handle.result(),
  "paused-in-train": (play) => {
    const training = gate();
    let first = true;
    play.before = async (stage, place) => {
      if (stage !== "train" || place !== "it-0001.1" || !first) return;
      first = false;
      await training.wait();
    };
    return async (handle) => {
      await training.reached;
      await handle.executeUpdate(pause, { args: [ask] });
      await handle.executeUpdate(resume, { args: [ask] });
      await handle.result();
    };
  },
  // Amended in mid-iteration, then paused after that iteration.
  amended: (play) => {
    Object.assign(play.plan, { baselines: [] });
    play.amended = { longer: { ...play.plan, iterations: 3 } };
    const training = gate();
    play.before = (stage, place) =>
      stage === "train" && place === "it-0001.1" ? training.wait() : undefined;
    return async (handle) => {
      await training.reached;
      const amendment = { specDigest: "longer", base: "spec" };
      await handle.executeUpdate(amend, { args: [{ ...ask, amendment }] });
      await handle.executeUpdate(pause, { args: [{ ...ask, at: "iteration" }] });
      training.open();
      while ((await handle.query(progress)).status !== "paused") await sleep(50);
      await handle.executeUpdate(resume, { args: [ask] });
      await handle.result();
    };
  },
  cancelled: (play) => {
    const training = gate();
    play.before = (stage) => (stage === "sft" ? training.wait() : undefined);
    return async (handle) => {
      await training.reached;
      await handle.executeUpdate(cancel, { args: [ask] });
      await handle.result();
    };
  },
  "labels-short": (play) => {
    Object.assign(play.plan, { iterations: 1, baselines: [], labels: { by: "people", audit: true } });
    play.count = (rows) => {
      const decided = rows.flatMap(({ event }) => (event.type === "resumed" && event.labels) || []);
      if (decided.some((labels) => "accept" in labels)) return { labels: 1, slots: 4, state: "closed" };
      const missing = { trained: 1, minimum: 3, extendedMs: decided.length };
      return { labels: 1, slots: 4, state: "short", missing };
    };
    return async (handle) => {
      for (const labels of [{ extendMs: 1 }, { accept: true as const }]) {
        while ((await handle.query(progress)).status !== "paused") await sleep(50);
        await handle.executeUpdate(resume, { args: [{ ...ask, labels }] });
      }
      await handle.result();
    };
  },
  refit: (play) => {
    const labels = { by: "module", audit: true, refit: "scores" } as const;
    Object.assign(play.plan, { baselines: [], labels });
    return (handle) => handle.result();
  },
  failed: (play) => {
    play.before = (stage) => {
      if (stage === "pair") throw ApplicationFailure.nonRetryable("no pair to train on", "no_pairs");
    };
    return (handle) => handle.result().catch(() => undefined);
  },
};

const folder = new URL("../../../test/histories/", import.meta.url).pathname;

async function save(temporal: TestNamespace, workflowId: string, name: string): Promise<void> {
  const history = await temporal.client.workflow.getHandle(workflowId).fetchHistory();
  // Stack traces name this machine's folders and matter to no replay.
  const text = JSON.stringify(JSON.parse(historyToJSON(history)), (key, value: unknown) =>
    key === "stackTrace" ? undefined : value,
  );
  await writeFile(join(folder, `${name}.json`), `${text}\n`);
  process.stdout.write(`${name}: ${history.events?.length} events\n`);
}

const temporal = await openNamespace();
const asked = process.argv.slice(2);
for (const [name, story] of Object.entries(stories).filter(
  ([one]) => asked.length === 0 || asked.includes(one),
)) {
  const play = script();
  const conduct = story(play);
  await withCampaignWorker(temporal, play, async (start) => conduct(await start(name)));
  await save(temporal, campaignWorkflowId(name), `campaign-${name}`);
  if (name === "completed")
    for (const [place, type] of [
      ["it-0000.1", "bootstrap"],
      ["it-0001.1", "iteration"],
      ["base-offline.1", "baseline"],
    ])
      await save(temporal, `${campaignWorkflowId(name)}/${place}`, `${type}-completed`);
  if (name === "paused-in-train" || name === "labels-short")
    await save(temporal, `${campaignWorkflowId(name)}/it-0001.1`, `iteration-${name}`);
  // The second iteration trains the reward model of the first one on.
  if (name === "refit") await save(temporal, `${campaignWorkflowId(name)}/it-0002.1`, `iteration-${name}`);
}
for (const [name, fails] of Object.entries({ completed: false, failed: true }))
  if (asked.length === 0 || asked.includes("firing")) await recordFiring(`firing-${name}`, fails);
await temporal.close();

/** Only a schedule starts a firing. */
async function recordFiring(name: string, fails: boolean): Promise<void> {
  const play = script();
  if (fails)
    play.before = (stage) => {
      if (stage === "pair") throw ApplicationFailure.nonRetryable("no pair to train on", "no_pairs");
    };
  const gateway = await TemporalGateway.connect({ ...temporal, connection: {} });
  await withCampaignWorker(temporal, play, async () => {
    await gateway.schedules.create({
      scheduled: {
        schedule: name,
        storeName: "memory:",
        specDigest: "spec",
        name: "scripted",
        id: `${name}-{{date}}`,
        timeZone: "UTC",
      },
      everyMs: 86_400_000,
      timeZone: "UTC",
      overlap: "skip",
      catchUpMs: 60_000,
      pauseOnFailure: true,
    });
    await gateway.schedules.trigger(name);
    for (;;) {
      const [firing] = (await gateway.schedules.describe(name)).firings;
      if (firing && firing.status !== "running") return save(temporal, firing.workflowId, name);
      await sleep(200);
    }
  });
  await gateway.close();
}
