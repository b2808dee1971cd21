// A small real campaign that completes, is amended and extended, and completes again, on a real server and
// worker: its record explains each iteration by the settings that were in force.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { resolveSpec } from "../../campaign/spec/resolve.ts";
import type { GenerateResult, TrainResult } from "../../campaign/types.ts";
import type { RatchetClient } from "../../client/ratchet-client.ts";
import { CAMPAIGN, DevCampaign, NO_TEMPORAL_BIN } from "../support/dev-campaign.ts";
import { STUCK_MS } from "../support/limits.ts";
import { SHOP_DIR, smallShop } from "../support/small-shop.ts";

const SHOP = { seed: 7, iterations: 1, perIteration: 16, sftRows: 80, baselines: [] };

describe(
  "a campaign that is amended and extended after its end",
  {
    skip: NO_TEMPORAL_BIN,
    timeout: STUCK_MS,
  },
  () => {
    let campaign: DevCampaign;
    let client: RatchetClient;
    before(async () => {
      campaign = await DevCampaign.make(SHOP);
      await campaign.up();
      client = await campaign.start();
      assert.equal((await client.wait(CAMPAIGN))?.status, "completed");
    });
    after(async () => {
      await client?.close();
      await campaign?.remove();
    });

    /** The campaign's file with other settings. */
    function file(iterations: number, learningRate?: number) {
      const shop = smallShop({ ...SHOP, iterations });
      const train = learningRate === undefined ? shop.train : { ...shop.train, learningRate };
      const written = { ...shop, train };
      return { spec: resolveSpec(written), written, file: "small-shop.ts", baseDir: SHOP_DIR };
    }
    const start = (of: ReturnType<typeof file>) => client.start(of, { campaignId: CAMPAIGN });
    const result = async <R>(place: string, stage: "train" | "generate"): Promise<R> => {
      const found = (await client.history(CAMPAIGN)).places.find((one) => one.place === place);
      return client.store.getJson<R>(found?.stages[stage] ?? "");
    };

    it("trains the new iteration with the amended settings, on prompts of its own", async () => {
      await assert.rejects(client.amend(CAMPAIGN, file(1, 0.002)), { code: "campaign_ended" });
      const amended = await client.amend(CAMPAIGN, file(2, 0.002), { why: "more, and faster", by: "ada" });
      assert.deepEqual([amended.restarted, amended.iterations, amended.ownPrompts], [true, 2, 2]);
      assert.equal((await client.wait(CAMPAIGN))?.status, "completed");
      const [first, second] = [
        await result<TrainResult>("it-0001.1", "train"),
        await result<TrainResult>("it-0002.1", "train"),
      ];
      assert.notEqual(first.settings, second.settings);
    });

    it("extends it by an iteration on the prompts of the first one again, with fresh seeds", async () => {
      const extended = await client.extend(CAMPAIGN, { more: 1 }, { why: "still better", by: "bob" });
      assert.deepEqual([extended.iterations, extended.ownPrompts], [3, 2]);
      assert.equal((await client.wait(CAMPAIGN))?.status, "completed");
      const pieces = async (place: string) => (await result<GenerateResult>(place, "generate")).pieces;
      const ids = async (place: string): Promise<string[]> => {
        const rows = await Promise.all(
          (await pieces(place)).map((piece) => client.store.getBlob(piece.rows)),
        );
        const lines = Buffer.concat(rows).toString().trimEnd().split("\n");
        return lines.map((line) => (JSON.parse(line) as { promptId: string }).promptId);
      };
      assert.deepEqual(await ids("it-0003.1"), await ids("it-0001.1"));
      assert.notDeepEqual(await pieces("it-0003.1"), await pieces("it-0001.1"));
    });

    it("verifies, and explains each iteration by the spec that was in force", async () => {
      assert.deepEqual((await client.verify(CAMPAIGN)).problems, []);
      const explained = await Promise.all([1, 2, 3].map((n) => client.explain(`${CAMPAIGN}/${n}`)));
      const specs = explained.map(({ specDigest }) => client.store.getJson<CompiledSpec>(specDigest));
      assert.deepEqual(
        (await Promise.all(specs)).map(({ iterations }) => iterations),
        [1, 2, 3],
      );
      assert.deepEqual(
        explained.map(({ amendments }) => amendments.map(({ by }) => by)),
        [[], ["ada"], ["ada", "bob"]],
      );
      const status = await client.status(CAMPAIGN);
      assert.deepEqual([status.finished, status.iterations, status.amendments?.length], [3, 3, 2]);
    });

    it("starts with the amended file, and refuses the first one with what was amended", async () => {
      assert.equal((await start(file(2, 0.002))).action, "completed");
      await assert.rejects(start(file(1)), {
        code: "campaign_differs",
        message: /was amended since: iterations/,
      });
    });
  },
);
