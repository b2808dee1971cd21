// Maintenance of a store, on a small campaign of a real server and worker: damage is repaired or refused, and
// a copied campaign continues in another store.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { Manifest, PieceRef, Tree } from "../../campaign/types.ts";
import type { RatchetClient } from "../../client/ratchet-client.ts";
import { CAMPAIGN, DevCampaign, NO_TEMPORAL_BIN, outcomesOf } from "../support/dev-campaign.ts";
import { keysUnder } from "../support/record.ts";
import { STUCK_MS } from "../support/limits.ts";

const SHOP = { seed: 7, iterations: 1, perIteration: 16, sftRows: 80, baselines: [] };

describe("maintenance of a store", { skip: NO_TEMPORAL_BIN, timeout: STUCK_MS }, () => {
  let campaign: DevCampaign;
  let client: RatchetClient;
  let undisturbed: Record<string, string>;
  before(async () => {
    campaign = await DevCampaign.make(SHOP);
    await campaign.up();
    client = await campaign.start();
    assert.equal((await client.wait(CAMPAIGN))?.status, "completed");
    undisturbed = await outcomesOf(client);
  });
  after(async () => {
    await client?.close();
    await campaign?.remove();
  });

  const file = (key: string) => join(campaign.storeName.slice("dir:".length), key);
  const blob = (digest: string) => file(`blobs/sha256/${digest.slice(0, 2)}/${digest}`);
  const keys = (prefix: string) => keysUnder(client.store, CAMPAIGN, prefix);
  const manifest = async (key: string | undefined) =>
    (
      await client.store.readManifest<Manifest<{ rows: string; policy: string; pieces: PieceRef[] }>>(
        key ?? "",
      )
    )?.manifest;
  function flip(path: string): () => void {
    const whole = readFileSync(path);
    const damaged = Buffer.from(whole);
    damaged[damaged.length >> 1] = (damaged[damaged.length >> 1] as number) ^ 1;
    writeFileSync(path, damaged);
    return () => writeFileSync(path, whole);
  }
  const codes = async () =>
    (await client.verify(CAMPAIGN, { campaignOnly: true })).problems.map(({ code }) => code);

  it("a stage loads its model at most once, whatever sets of answers it runs for", async () => {
    const { places } = await client.history(CAMPAIGN);
    for (const { place, work } of places)
      for (const [stage, { modelLoads = 0 }] of Object.entries(work))
        assert.ok(modelLoads <= 1, `${place} ${stage}: ${modelLoads} loads`);
    // π_0, the reward model, and the policy of iteration 1.
    const loaded = places
      .flatMap(({ work }) => Object.values(work))
      .filter(({ modelLoads = 0 }) => modelLoads > 0);
    assert.ok(loaded.length >= 3, `${loaded.length} stages`);
  });

  it("repair recomputes damaged and missing artifacts to the same digests, with a ledger row", async () => {
    const [piece] = await keys("results/it-0001.1/generate/piece-");
    flip(blob((await manifest(piece))?.result.rows ?? ""));
    const [train] = await keys("results/it-0001.1/train/");
    const { policy } = (await manifest(train))?.result ?? { policy: "" };
    const weights = (await client.store.getJson<Tree>(policy)).files.find(
      ({ path }) => path === "model.safetensors",
    );
    rmSync(blob(weights?.digest ?? ""));
    const [pair] = await keys("results/it-0001.1/pair/");
    flip(file(pair ?? ""));
    const [evaluate] = (await keys("results/it-0001.1/evaluate/")).filter((key) => !key.includes("piece-"));
    rmSync(file(evaluate ?? ""));
    const references = await keys("work/reference/");
    for (const key of references) flip(file(key));
    assert.ok((await codes()).length >= 5);

    const repair = await client.repair(CAMPAIGN, { why: "a disk went bad", by: "ada" });
    assert.deepEqual(repair.setAside.sort(), [pair ?? "", piece ?? "", train ?? ""].sort());
    assert.deepEqual([repair.places, repair.dropped], [["it-0001.1"], references]);
    assert.deepEqual(await codes(), []);
    assert.deepEqual(await outcomesOf(client), undisturbed);
    const row = (await client.history(CAMPAIGN)).ledger.at(-1)?.event;
    assert.ok(row?.type === "repaired" && row.why === "a disk went bad" && row.by === "ada");
    assert.equal(
      (await client.history(CAMPAIGN)).places[1]?.work["train"]?.attempts,
      1,
      "the record is read from the repaired results",
    );
  });

  it("repairs a repaired result again", async () => {
    const [again] = (await keys("results/it-0001.1/train/")).filter((key) => key.includes("~1"));
    flip(file(again ?? ""));
    const { setAside } = await client.repair(CAMPAIGN);
    assert.deepEqual(setAside, [again?.replace("~1", "")]);
    const made = (await keys("results/it-0001.1/train/")).find((key) => key.includes("~2"));
    assert.equal(
      (await manifest(made))?.facts["reference"],
      "found",
      "it uses the reference's log-probabilities that the first repair computed",
    );
    assert.deepEqual(await codes(), []);
  });

  it("refuses to repair the author's inputs and the ledger, and says what to do", async () => {
    const { record } = { record: await client.status(CAMPAIGN) };
    const spec = await client.store.getJson<{ prompts: { test: { rows: string } } }>(record.specDigest);
    const mendPrompts = flip(blob(spec.prompts.test.rows));
    await assert.rejects(client.repair(CAMPAIGN), { code: "unrepairable", hint: /ratchet start/ });
    mendPrompts();
    const mendRow = flip(file(`campaigns/${CAMPAIGN}/ledger/000000000002.json`));
    await assert.rejects(client.repair(CAMPAIGN), { code: "unrepairable", hint: /backup/ });
    mendRow();
    assert.deepEqual(await codes(), []);
  });

  it("a copied campaign continues in the new store on another server, not in the old one", async () => {
    const old = await DevCampaign.make(SHOP);
    const other = await DevCampaign.make(SHOP);
    try {
      await old.up();
      const before = await old.start();
      while ((await keysUnder(before.store, CAMPAIGN, "results/it-0001.1/generate/")).length === 0)
        await delay(50);
      const copied = await before.copy(CAMPAIGN, other.storeName, { why: "a larger disk", by: "ada" });
      assert.ok(copied.moved);
      // At its next row the old run finds that it has lost its lease; it can neither finish nor fail the
      // campaign.
      const ended = await before.wait(CAMPAIGN);
      assert.equal(ended?.failure?.code, "campaign_moved");
      await assert.rejects(old.start({ takeOver: true }), {
        code: "campaign_moved",
        message: new RegExp(other.storeName),
      });
      await before.close();
      await old.down();

      await other.up();
      await assert.rejects(other.start(), { code: "owned_elsewhere" });
      const after = await other.start({ takeOver: true });
      assert.equal((await after.wait(CAMPAIGN))?.status, "completed");
      assert.deepEqual(await outcomesOf(after), undisturbed);
      assert.deepEqual((await after.verify(CAMPAIGN)).problems, []);
      const sft = (await after.history(CAMPAIGN)).places[0]?.work["sft"];
      assert.equal(sft?.attempts, 1, "finished stages were adopted, not computed again");
      await after.close();
    } finally {
      await old.remove();
      await other.remove();
    }
  });
});
