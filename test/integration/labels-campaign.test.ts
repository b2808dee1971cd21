// A real campaign whose iterations train on people's labels. A script is the people: it reads exported
// questions and imports its answers, while the worker is killed and while no worker runs.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { SealRow } from "../../campaign/labeling/types.ts";
import type { PairResult, TrainResult } from "../../campaign/types.ts";
import type { WrittenSpec } from "../../campaign/spec/schema.ts";
import type { PlaceHistory } from "../../client/record/history.ts";
import { startOnNamespace } from "../support/namespace-campaign.ts";
import type { NamespaceCampaign } from "../support/namespace-campaign.ts";
import { smallShop } from "../support/small-shop.ts";
import { spawnWorker } from "../support/spawned-worker.ts";
import { NO_TEMPORAL } from "../support/temporal.ts";
import { STUCK_MS } from "../support/limits.ts";

const ID = "people";
const LABELS = { perIteration: 32, audit: 8, choose: "best-against-rest" } as const;

interface Question {
  comparison: number;
  first: string;
  second: string;
}

/** One campaign with its workers, and a person who labels. */
class Labeled {
  readonly campaign: NamespaceCampaign;
  private readonly started: ChildProcess[] = [];

  private constructor(campaign: NamespaceCampaign) {
    this.campaign = campaign;
  }

  static async start(labels: NonNullable<WrittenSpec["labels"]>, iterations: number): Promise<Labeled> {
    const written = { ...smallShop({ seed: 31, iterations, sftRows: 400, baselines: [] }), labels };
    return new Labeled(await startOnNamespace(ID, written));
  }

  worker(): ChildProcess {
    const child = spawnWorker(this.campaign, `worker-${this.started.length}`);
    this.started.push(child);
    return child;
  }

  /** Answers some of the questions: the longer answer is better. */
  async answer(labeler: string, isAsked: (question: Question, index: number) => boolean): Promise<void> {
    const { client, root } = this.campaign;
    const out = join(root, `questions-${labeler}.jsonl`);
    await client.exportLabels(`${ID}/1`, out, { format: "ratchet", what: "questions" });
    const questions = (await readFile(out, "utf8")).trimEnd().split("\n");
    const answered = questions
      .map((line) => JSON.parse(line) as Question)
      .filter(isAsked)
      .map((question) => {
        const { first, second } = question;
        const choice =
          first.length === second.length ? "tie" : first.length > second.length ? "first" : "second";
        return `${JSON.stringify({ ...question, labeler, choice })}\n`;
      });
    const path = join(root, `answers-${labeler}.jsonl`);
    await writeFile(path, answered.join(""));
    const { outcomes } = await client.importLabels(ID, { file: "answers", path, format: "ratchet" });
    assert.deepEqual(outcomes, { open: answered.length });
    assert.deepEqual((await client.importLabels(ID, { file: "answers", path, format: "ratchet" })).outcomes, {
      same: answered.length,
    });
  }

  async asked(): Promise<void> {
    for (let tries = 0; tries < 6_000; tries += 1) {
      if ((await this.campaign.client.status(ID)).labels) return;
      await delay(100);
    }
    assert.fail("nobody was asked within 10 min");
  }

  async running(stage: string): Promise<void> {
    for (let tries = 0; tries < 6_000; tries += 1) {
      const { live } = await this.campaign.client.status(ID);
      if (live?.stages.some((one) => one.stage === stage)) return;
      await delay(100);
    }
    assert.fail(`${stage} did not run within 10 min`);
  }

  /** Waits for the end. */
  async places(): Promise<PlaceHistory[]> {
    const outcome = await this.campaign.client.wait(ID);
    assert.equal(outcome?.status, "completed", JSON.stringify(outcome));
    const { places } = await this.campaign.client.history(ID);
    return places.filter(({ place }) => place.startsWith("it-") && place !== "it-0000.1");
  }

  async place(): Promise<PlaceHistory> {
    const [first] = await this.places();
    return first ?? assert.fail("no iteration");
  }

  async close(): Promise<void> {
    for (const child of this.started) child.kill("SIGKILL");
    await this.campaign.close();
  }
}

describe("a campaign with people", { skip: NO_TEMPORAL, timeout: STUCK_MS }, () => {
  const open: Labeled[] = [];
  after(async () => {
    for (const one of open) await one.close();
  });
  const start = async (labels: NonNullable<WrittenSpec["labels"]>, iterations = 1): Promise<Labeled> => {
    const one = await Labeled.start(labels, iterations);
    open.push(one);
    return one;
  };

  it("loses and doubles no label while workers die; its weights are those of a quiet run", async () => {
    const [disturbed, quiet] = [await start(LABELS), await start(LABELS)];
    const first = disturbed.worker();
    await disturbed.asked();
    const waiting = (await disturbed.campaign.client.status(ID)).labels;
    assert.deepEqual([waiting?.place, waiting?.labels, waiting?.slots], ["it-0001.1", 0, 32]);
    await disturbed.answer("ada", ({ comparison }) => comparison % 2 === 0);
    first.kill("SIGKILL");
    await once(first, "exit");
    await disturbed.answer("ben", ({ comparison }) => comparison % 2 === 1);
    const between = (await disturbed.campaign.client.status(ID)).labels;
    assert.deepEqual([between?.labels, between?.active], [32, 2]);
    disturbed.worker();
    const place = await disturbed.place();

    quiet.worker();
    await quiet.asked();
    await quiet.answer("cyd", () => true);
    const other = await quiet.place();
    assert.equal(place.weights, other.weights);
    assert.equal(place.stages.label, other.stages.label);

    const { client } = disturbed.campaign;
    const { store } = client;
    const { problems, checked } = await client.verify(ID);
    assert.deepEqual([problems, checked.labels], [[], 64], "with those of the bootstrap");
    const seal = await store.getJson<{ labels: string; counts: object }>(place.stages.label ?? "");
    const rows = new TextDecoder()
      .decode(await store.getBlob(seal.labels))
      .trimEnd()
      .split("\n");
    const comparisons = rows.map((line) => (JSON.parse(line) as SealRow).comparison);
    assert.deepEqual(
      comparisons,
      Array.from({ length: 32 }, (_, i) => i),
    );
    const { audit } = place;
    assert.ok((place.pairing?.labels ?? 0) <= 24);
    assert.equal((audit?.decided ?? 0) + (audit?.undecided ?? 0), 8);
    assert.ok((place.pairs ?? 0) > 8 && (place.pairs ?? 0) <= 24, `${place.pairs} pairs`);
    const { arms } = await client.compare(ID);
    assert.deepEqual(arms.at(-1)?.audit, audit);
  });

  it("asks a module that acts as people, and trains the reward model on, while a worker dies", async () => {
    const labelers = { module: "./labelers.ts" };
    const refit = { learningRate: 1e-3, batch: 8, maxLength: 64 };
    const one = await start({ ...LABELS, perComparison: 2, labelers, use: ["reward"], refit }, 2);
    const { client } = one.campaign;
    const first = one.worker();
    await one.running("refit");
    first.kill("SIGKILL");
    one.worker();
    const places = await one.places();
    assert.equal(places.length, 2);
    const { problems, checked } = await client.verify(ID);
    assert.deepEqual([problems, checked.labels], [[], 160], "with those of the bootstrap");
    const [stats] = await client.labelStats(`${ID}/1`);
    assert.deepEqual([stats?.states.counted, stats?.quality.repeated], [64, 32]);

    const refits = places.map(({ stages }) => client.store.getJson<TrainResult>(stages.refit ?? ""));
    const [before, after] = await Promise.all(refits);
    assert.equal(after?.start, before?.policy, "the second refit goes on from the first");
    const pairs = places.map(({ stages }) => client.store.getJson<PairResult>(stages.replay ?? ""));
    const [replayed, again] = await Promise.all(pairs);
    assert.equal(again?.replay, places[0]?.stages.replay);
    assert.ok((replayed?.report.pairs ?? 0) > (replayed?.report.groups ?? 0), "new pairs and old ones");
    const { pairing, stages, test } = places[1] ?? assert.fail("no second iteration");
    assert.equal(pairing?.labels, undefined, "pairs are made of scores");
    assert.equal((await client.store.getJson<PairResult>(stages.pair ?? "")).source, stages.rescore);
    assert.notEqual(test?.refittedProxy, test?.proxy);
  });
});
