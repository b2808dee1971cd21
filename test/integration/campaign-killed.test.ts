// Kill anything, and the campaign goes on to the same bits: each story is compared with an undisturbed run in its own empty store.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { RatchetClient } from "../../client/ratchet-client.ts";
import { CAMPAIGN, DevCampaign, NO_TEMPORAL_BIN, outcomesOf } from "../support/dev-campaign.ts";

/** SFT lasts long enough for a heartbeat to tell of steps beyond a checkpoint. */
const SHOP = { seed: 5, sftRows: 4800 };
const given = process.env["RATCHET_TEST_S3"];
const s3 = given ? (JSON.parse(given) as { endpoint: string; bucket: string; accessKeyId: string; secretAccessKey: string; region: string }) : undefined;

/** Waits until `reached` holds; the campaign must not have ended before. */
async function until(what: string, client: RatchetClient, reached: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 3_000; tries += 1) {
    if (await reached()) return;
    const { status } = await client.status(CAMPAIGN);
    assert.ok(status === "running" || status === "created", `${status} before ${what}`);
    await delay(50);
  }
  assert.fail(`no ${what} within 150 s`);
}

async function count(client: RatchetClient, prefix: string): Promise<number> {
  let found = 0;
  for await (const _ of client.store.backend.list(`campaigns/${CAMPAIGN}/${prefix}`)) found += 1;
  return found;
}

/** Step of the newest checkpoint; Infinity before the first. */
async function newestStep(client: RatchetClient, prefix: string): Promise<number> {
  let newest = Infinity;
  for await (const key of client.store.backend.list(`campaigns/${CAMPAIGN}/${prefix}`)) newest = Number(/step-(\d+)\.json$/.exec(key)?.[1]);
  return newest;
}

/** Optimizer steps that the running training has told the server of. */
async function stepsSeen(client: RatchetClient): Promise<number> {
  const { live } = await client.status(CAMPAIGN);
  return Math.max(0, ...(live?.stages ?? []).map(({ counted }) => (counted?.unit === "steps" ? counted.done : 0)));
}

/** Facts of the manifests under a prefix. */
async function factsOf(client: RatchetClient, prefix: string): Promise<Record<string, number | boolean | undefined>[]> {
  const facts: Record<string, number | boolean | undefined>[] = [];
  for await (const key of client.store.backend.list(`campaigns/${CAMPAIGN}/results/${prefix}`)) {
    facts.push((await client.store.readManifest<{ result: unknown; facts: Record<string, number | boolean | undefined> }>(key))?.manifest.facts ?? {});
  }
  return facts;
}

describe("a campaign whose processes are killed", { skip: NO_TEMPORAL_BIN, timeout: 600_000 }, () => {
  let undisturbed: Record<string, string>;
  const made: DevCampaign[] = [];
  const make = async (...options: Parameters<typeof DevCampaign.make>): Promise<DevCampaign> => {
    const campaign = await DevCampaign.make(...options);
    made.push(campaign);
    await campaign.up();
    return campaign;
  };
  const endsWell = async (client: RatchetClient): Promise<void> => {
    const outcome = await client.wait(CAMPAIGN);
    assert.equal(outcome?.status, "completed", JSON.stringify(outcome));
  };
  const completes = async (client: RatchetClient): Promise<void> => {
    await endsWell(client);
    assert.deepEqual(await outcomesOf(client), undisturbed);
    assert.deepEqual((await client.verify(CAMPAIGN)).problems, []);
  };

  before(async () => {
    const campaign = await make(SHOP);
    const client = await campaign.start();
    await endsWell(client);
    undisturbed = await outcomesOf(client);
    await client.close();
    await campaign.down();
  });
  after(() => Promise.all(made.map((campaign) => campaign.remove())));

  it("goes on by itself to the same weights after kill -9 of the worker in train, in generate, and of the Temporal server", async () => {
    const campaign = await make(SHOP);
    const client = await campaign.start();

    // Steps beyond the newest checkpoint, which the server has heard of, are what the kill costs.
    await until("steps of SFT beyond a checkpoint", client, async () => (await newestStep(client, "work/it-0000.1/sft/")) < (await stepsSeen(client)));
    process.kill(campaign.tree?.pids().worker as number, "SIGKILL");
    await until("first piece of generate", client, async () => (await count(client, "results/it-0001.1/generate/")) > 0);
    process.kill(campaign.tree?.pids().worker as number, "SIGKILL");
    await until("first piece of iteration 2", client, async () => (await count(client, "results/it-0002.1/generate/")) > 0);
    process.kill(campaign.tree?.pids().server as number, "SIGKILL");
    await completes(client);

    const [sft] = await factsOf(client, "it-0000.1/sft/");
    assert.ok((sft?.["attempt"] as number) > 1, "the record shows the killed attempt");
    assert.ok((sft?.["resumedFrom"] as number) > 0, "it went on from a checkpoint, not from the start");
    assert.ok((sft?.["recomputed"] as number) > 0, "the steps after that checkpoint were done again, and the record says so");
    const log = readFileSync(join(campaign.stateDir, "logs", "worker.log"), "utf8");
    assert.match(log, /freed what a killed worker had left: .*train of ratchet:small-shop\/it-0000\.1/, "the next worker did not wait for the heartbeat timeout");
    const again = (await factsOf(client, "it-0001.1/generate/")).filter((facts) => facts["recomputed"] === true).length;
    assert.ok(again <= 2, `${again} pieces were computed again: at most one per running shard`);
    await client.close();
  });

  it("loses no step when the worker hears that its machine will be taken away", async () => {
    const notice = join(tmpdir(), `ratchet-notice-${process.pid}`);
    // More SFT than a notice takes to be seen, on any machine.
    const campaign = await make({ ...SHOP, sftRows: 4 * SHOP.sftRows }, { env: { ...process.env, RATCHET_DRAIN_FILE: notice } });
    const client = await campaign.start();
    let seen = 0;
    await until("steps of SFT", client, async () => (seen = await stepsSeen(client)) > 0);
    writeFileSync(notice, "");
    const log = join(campaign.stateDir, "logs", "worker.log");
    await until("worker that drains", client, async () => readFileSync(log, "utf8").includes("this machine is to go"));
    rmSync(notice);
    await until("end of SFT", client, async () => (await count(client, "results/it-0000.1/sft/")) > 0);
    const [sft] = await factsOf(client, "it-0000.1/sft/");
    assert.equal(sft?.["attempt"], 2);
    assert.ok((sft?.["resumedFrom"] as number) >= seen, "the step at which it was told to stop was saved");
    assert.equal(sft?.["recomputed"], 0);
    await client.close();
  });

  it("is finished from the ledger by the same start after Temporal's database was deleted in mid-iteration", async () => {
    const campaign = await make(SHOP);
    const before = await campaign.start();
    await until("scores of iteration 1", before, async () => (await count(before, "results/it-0001.1/score/")) > 0);
    await before.close();
    await campaign.down();
    for (const name of readdirSync(join(campaign.stateDir, "temporal"))) if (name.includes(".db")) rmSync(join(campaign.stateDir, "temporal", name));
    await campaign.up();
    const client = await campaign.start();
    await completes(client);
    assert.equal((await client.status(CAMPAIGN)).epoch, 2);
    await client.close();
  });

  it("goes on in a bucket of a real S3 server, where a worker is killed too", { skip: s3 ? false : "RATCHET_TEST_S3 is not set" }, async () => {
    const { endpoint, bucket, accessKeyId, secretAccessKey, region } = s3 as NonNullable<typeof s3>;
    const aws = { AWS_ENDPOINT_URL: endpoint, AWS_REGION: region, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
    Object.assign(process.env, aws);
    const campaign = await make(SHOP, { storeName: `s3://${bucket}/killed-${process.pid}`, env: { ...process.env, ...aws } });
    const client = await campaign.start();
    await until("first piece of generate", client, async () => (await count(client, "results/it-0001.1/generate/")) > 0);
    process.kill(campaign.tree?.pids().worker as number, "SIGKILL");
    await completes(client);
    await client.close();
  });
});
