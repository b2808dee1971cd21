// A whole campaign whose answers come from servers that its worker starts: the fake of vLLM, one process per
// policy, in a real dev tree.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { DevTree } from "../../dev/index.ts";
import { isRunning } from "../../host/lock.mjs";
import type { GenerateResult } from "../../campaign/types.ts";
import type { RatchetClient } from "../../client/ratchet-client.ts";
import { CAMPAIGN, DevCampaign, NO_TEMPORAL_BIN } from "../support/dev-campaign.ts";
import { STUCK_MS } from "../support/limits.ts";
import type { SmallShop } from "../support/small-shop.ts";
import { keysUnder, manifestsUnder } from "../support/record.ts";

const FAKE = fileURLToPath(new URL("../support/fake-vllm-main.js", import.meta.url));
const SHOP: SmallShop = { seed: 5, iterations: 1, sftRows: 400, baselines: [], runtime: "vllm" };

type Facts = Record<string, unknown>;

describe("a campaign with vLLM", { skip: NO_TEMPORAL_BIN, timeout: STUCK_MS }, () => {
  let campaign: DevCampaign;
  let client: RatchetClient;
  let pids = "";
  const living = (): number[] => readdirSync(pids).map(Number).filter(isRunning);

  before(async () => {
    const env = { ...process.env };
    campaign = await DevCampaign.make(SHOP, { env });
    pids = join(campaign.root, "pids");
    mkdirSync(pids);
    const config = join(campaign.root, "ratchet-worker.yaml");
    // Slow answers, so that a piece is seen before it is whole.
    const fake = { FAKE_VLLM: JSON.stringify({ delayMs: 1_000 }), FAKE_VLLM_PIDS: pids };
    const command = [process.execPath, FAKE, "serve"];
    // JSON is YAML.
    writeFileSync(config, JSON.stringify({ runtimes: { vllm: { command, env: fake, tolerance: 0.001 } } }));
    env["RATCHET_WORKER_CONFIG"] = config;
    await campaign.up();
    client = await campaign.start();
  });
  after(async () => {
    await client?.close();
    await campaign?.remove();
  });

  it("loses at most the piece in work to a kill -9, and leaves no process", async () => {
    const pieces = (): Promise<string[]> =>
      keysUnder(client.store, CAMPAIGN, "results/it-0001.1/generate/piece-");
    while ((await pieces()).length === 0) {
      const { status } = await client.status(CAMPAIGN);
      assert.ok(status === "running" || status === "created", status);
      await delay(100);
    }
    // The next piece is asked for as soon as one is committed, and takes a second.
    await delay(300);
    const servers = living();
    assert.equal(servers.length, 2, "a server and its engine");
    process.kill((campaign.tree as DevTree).pids().worker!, "SIGKILL");

    const outcome = await client.wait(CAMPAIGN);
    assert.equal(outcome?.status, "completed", JSON.stringify(outcome));
    assert.ok(!servers.some(isRunning), "the killed worker's server is gone");
    assert.deepEqual((await client.verify(CAMPAIGN)).problems, []);

    const committed = await manifestsUnder<GenerateResult, Facts>(
      client.store,
      CAMPAIGN,
      "it-0001.1/generate/",
    );
    const facts = committed.map((manifest) => manifest.facts);
    const attempts = facts.flatMap(({ attempt }) => (typeof attempt === "number" ? [attempt] : []));
    assert.ok(attempts.includes(1) && attempts.some((attempt) => attempt > 1), "some before, some after");
    // Fewer if the server had not been told that a piece had begun.
    const again = facts.filter(({ recomputed }) => recomputed === true).length;
    assert.ok(again <= 2, `${again} pieces of two running shards`);
    assert.ok(facts.some(({ runtime, vllm }) => runtime === "vllm" && vllm === "0.32.0+fake"));
    const sealed = committed
      .map(({ result }) => result)
      .filter((result) => "counts" in result && "policy" in result);
    assert.deepEqual(
      sealed.map(({ runtime, counts }) => [runtime, counts.completions]),
      [["vllm", 32 * 4]],
    );

    await campaign.down();
    assert.deepEqual(living(), []);
  });
});
