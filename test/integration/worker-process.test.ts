// Real worker processes that end in the middle of a training. On SIGTERM a worker saves and exits with 0;
// after SIGKILL, what is in the store is left. In both cases a new worker with an empty disk resumes at the
// saved step.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { TrainResult } from "../../campaign/types.ts";
import { startOnNamespace } from "../support/namespace-campaign.ts";
import type { NamespaceCampaign } from "../support/namespace-campaign.ts";
import { manifestsUnder, newestStep } from "../support/record.ts";
import { smallShop } from "../support/small-shop.ts";
import { spawnWorker } from "../support/spawned-worker.ts";
import { NO_TEMPORAL } from "../support/temporal.ts";
import { STUCK_MS } from "../support/limits.ts";

const CAMPAIGN = "left";
/** Only SFT matters here: it is long enough to be interrupted twice. */
const WRITTEN = smallShop({ seed: 6, iterations: 1, perIteration: 16, sftRows: 3200 });

describe("a worker process that ends in mid-training", { skip: NO_TEMPORAL, timeout: STUCK_MS }, () => {
  let campaign: NamespaceCampaign;
  const started: ChildProcess[] = [];

  before(async () => {
    campaign = await startOnNamespace(CAMPAIGN, WRITTEN);
  });
  after(async () => {
    for (const child of started) child.kill("SIGKILL");
    await campaign?.close();
  });

  /** Starts a worker with its own folder for state, cache, home and temporary files. */
  const worker = (name: string): { child: ChildProcess; log: string; state: string } => {
    const folder = join(campaign.root, name);
    const child = spawnWorker(campaign, name, { RATCHET_GRACE_MS: "60000" });
    started.push(child);
    return { child, log: join(folder, "worker.log"), state: join(folder, "state") };
  };
  /** Waits until the running training reports step `least` or a later one; returns the step. */
  const stepsOf = async (least: number): Promise<number> => {
    for (let tries = 0; tries < 12_000; tries += 1) {
      const { live } = await campaign.client.status(CAMPAIGN);
      const [stage] = live?.stages ?? [];
      assert.ok(
        stage === undefined || stage.stage === "sft",
        `${stage?.stage}: SFT ended before the worker could be interrupted`,
      );
      if (stage?.counted?.unit === "steps" && stage.counted.done >= least) return stage.counted.done;
      await delay(100);
    }
    assert.fail(`no step ${least} within 20 min`);
  };
  const newest = (): Promise<number> => newestStep(campaign.client.store, CAMPAIGN, "work/it-0000.1/sft/");

  it("saves and exits with 0 on SIGTERM; after SIGKILL the training resumes from the store", async () => {
    const told = worker("told");
    const seen = await stepsOf(2);
    told.child.kill("SIGTERM");
    const [code] = (await once(told.child, "exit")) as [number];
    assert.equal(code, 0, readFileSync(told.log, "utf8"));
    const saved = await newest();
    assert.ok(saved >= seen, `step ${seen} was reported, ${saved} saved`);
    assert.deepEqual(readdirSync(join(told.state, "worker", "scratch")), [], "the scratch folder is empty");

    const killed = worker("killed");
    const before = await stepsOf(saved + 1);
    assert.ok(before > saved, "it resumed after the saved step");
    const scratch = join(killed.state, "worker", "scratch");
    const kept = (): number => readdirSync(scratch).flatMap((own) => stepsIn(join(scratch, own))).length;
    while ((await newest()) <= saved) {
      assert.ok(kept() <= 3, "at most three checkpoints on the disk: being written, uploading, waiting");
      await delay(50);
    }
    killed.child.kill("SIGKILL");
    await once(killed.child, "exit");
    const stored = await newest();
    await rm(join(campaign.root, "killed"), { recursive: true, force: true });

    worker("last");
    for await (const { type } of campaign.client.watch(CAMPAIGN)) if (type === "row") break;
    const [sft] = await manifestsUnder<TrainResult>(campaign.client.store, CAMPAIGN, "it-0000.1/sft/");
    const { result, facts } = sft ?? assert.fail("SFT has no result");
    assert.ok(
      (facts["resumedFrom"] as number) >= stored && stored > saved,
      `resumed from ${String(facts["resumedFrom"])}, stored ${stored}`,
    );
    assert.equal(facts["attempt"], 3);
    assert.ok(result.steps > stored);
  });
});

/**
 * Checkpoints of all attempts in a worker's scratch folder, which may be deleted while this function reads
 * it.
 */
const stepsIn = (scratch: string): string[] =>
  readdirSync(scratch).flatMap((attempt) => {
    try {
      return readdirSync(join(scratch, attempt, "checkpoints"));
    } catch {
      return [];
    }
  });
