// An upgrade in mid-campaign: today's code reads, verifies and finishes the stores that earlier commits
// recorded (test/fixtures/record-store.mjs). Their Temporal server is gone, so `start --take-over` continues
// them.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { RatchetClient } from "../../client/ratchet-client.ts";
import { withProductWorker } from "../support/product-worker.ts";
import { NO_TEMPORAL, openNamespace } from "../support/temporal.ts";
import { STUCK_MS } from "../support/limits.ts";

const FIXTURES = fileURLToPath(new URL("../../../test/fixtures/", import.meta.url));
const CAMPAIGN = "upgraded";

for (const fixture of readdirSync(FIXTURES).filter((name) => name.startsWith("store-"))) {
  const folder = join(FIXTURES, fixture);
  describe(`a campaign that was stopped in mid-iteration by ${fixture.replace("store-", "")}`, () => {
    let root: string;
    let store: string;
    before(async () => {
      root = await mkdtemp(join(tmpdir(), "ratchet-upgrade-"));
      execFileSync("tar", ["-xzf", join(folder, "store.tar.gz"), "-C", root]);
      store = `dir:${join(root, "store")}`;
    });
    after(() => rm(root, { recursive: true, force: true }));

    it("is listed, verified and shown", async () => {
      const client = await RatchetClient.connect({ store });
      const [listed] = await client.list();
      assert.deepEqual([listed?.campaignId, listed?.status, listed?.finished], [CAMPAIGN, "running", 1]);
      assert.deepEqual((await client.verify(CAMPAIGN)).problems, []);
      const { places } = await client.history(CAMPAIGN);
      assert.ok(places.some(({ place, steps }) => place === "it-0001.1" && (steps ?? 0) > 0));
      assert.ok((await client.samples(`${CAMPAIGN}/1/pair`, { limit: 2 })).rows.length > 0);
      await client.close();
    });

    it(
      "is finished by its id: finished stages stay, the training resumes from its checkpoint",
      { skip: NO_TEMPORAL, timeout: STUCK_MS },
      async () => {
        const temporal = await openNamespace();
        const client = await RatchetClient.connect({
          store,
          temporal: {
            address: temporal.address,
            namespace: temporal.namespace,
            connection: {},
            identity: "new",
          },
        });
        try {
          const finished = await stagesOf(client);
          const { action } = await client.startRecorded(CAMPAIGN, { takeOver: true });
          assert.equal(action, "resumed");
          await withProductWorker(
            temporal,
            store,
            {
              deps: (real) => real,
              onBegin: () => undefined,
              onFailure: (activity, code) => assert.fail(`${activity}: ${code}`),
            },
            async () => {
              const outcome = await client.wait(CAMPAIGN);
              assert.equal(outcome?.status, "completed", JSON.stringify(outcome));
            },
          );
          const now = await stagesOf(client);
          for (const [place, stages] of finished)
            assert.deepEqual(now.get(place), stages, `${place} is what it was`);
          assert.deepEqual((await client.verify(CAMPAIGN)).problems, []);
          const { resumedFrom } = await trainFacts(client, "it-0002.1");
          assert.ok((resumedFrom as number) > 0, "from the checkpoint of the earlier code");
        } finally {
          await client.close();
          await temporal.close();
        }
      },
    );
  });
}

/** Result digests by finished place. */
async function stagesOf(client: RatchetClient): Promise<Map<string, unknown>> {
  return new Map(
    (await client.history(CAMPAIGN)).places.map(({ place, stages, policy }) => [place, { stages, policy }]),
  );
}

async function trainFacts(client: RatchetClient, place: string): Promise<Record<string, unknown>> {
  for await (const key of client.store.backend.list(`campaigns/${CAMPAIGN}/results/${place}/train/`)) {
    return (
      (await client.store.readManifest<{ result: unknown; facts: Record<string, unknown> }>(key))?.manifest
        .facts ?? {}
    );
  }
  assert.fail(`${place} has no training`);
}
