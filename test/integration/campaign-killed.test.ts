// A campaign whose processes are killed or stopped ends with the same bits. Each test compares its campaign
// with an undisturbed run in a store of its own.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { Client, Connection } from "@temporalio/client";
import { defaultPayloadConverter, WorkflowNotFoundError } from "@temporalio/common";
import type { Heartbeat } from "../../temporal/heartbeat.ts";
import type { RatchetClient } from "../../client/ratchet-client.ts";
import type { DevTree } from "../../dev/index.ts";
import { waitUntilServing } from "../../dev/temporal-server.ts";
import { childrenOf, signal } from "../chaos/processes.ts";
import { CAMPAIGN, DevCampaign, NO_TEMPORAL_BIN, outcomesOf } from "../support/dev-campaign.ts";
import { keysUnder, manifestsUnder, newestStep } from "../support/record.ts";
import { STUCK_MS } from "../support/limits.ts";

const SHOP = { seed: 5, iterations: 1, sftRows: 400 };
/** Pieces and trainings take long enough to be seen in a heartbeat, on any machine. */
const SLOW = { seed: 5, perIteration: 512, piece: 256, epochs: 6, baselines: [] };
const given = process.env["RATCHET_TEST_S3"];
const s3 = given
  ? (JSON.parse(given) as {
      endpoint: string;
      bucket: string;
      accessKeyId: string;
      secretAccessKey: string;
      region: string;
    })
  : undefined;

/** A heartbeat comes every second. Each poll costs the server and the worker processor time. */
const POLL_MS = 100;

/** Waits until `reached` holds. Fails if the campaign ends before. */
async function until(what: string, client: RatchetClient, reached: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 6_000; tries += 1) {
    if (await reached()) return;
    if (tries % 20 === 0) {
      const { status } = await client.status(CAMPAIGN);
      assert.ok(status === "running" || status === "created", `${status} before ${what}`);
    }
    await delay(POLL_MS);
  }
  assert.fail(`no ${what} within 10 min`);
}

const count = async ({ store }: RatchetClient, prefix: string): Promise<number> =>
  (await keysUnder(store, CAMPAIGN, prefix)).length;

const savedStep = ({ store }: RatchetClient, place: string): Promise<number> =>
  newestStep(store, CAMPAIGN, `work/${place}/train/`);

/** Optimizer steps that the running training has reported to the server. */
async function stepsSeen(client: RatchetClient): Promise<number> {
  const { live } = await client.status(CAMPAIGN);
  return Math.max(
    0,
    ...(live?.stages ?? []).map(({ counted }) => (counted?.unit === "steps" ? counted.done : 0)),
  );
}

/** The last heartbeats of a place's running activities: all that the next attempt will know of this one. */
async function heartbeats({ tree }: DevCampaign, place: string): Promise<Heartbeat[]> {
  const { address, namespace } = tree as DevTree;
  const connection = (connections[address] ??= await Connection.connect({ address }));
  try {
    const { raw } = await new Client({ connection, namespace }).workflow
      .getHandle(`ratchet:${CAMPAIGN}/${place}`)
      .describe();
    return (raw.pendingActivities ?? []).flatMap(({ heartbeatDetails }) =>
      (heartbeatDetails?.payloads ?? []).map((payload) =>
        defaultPayloadConverter.fromPayload<Heartbeat>(payload),
      ),
    );
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return [];
    throw error;
  }
}

/** By address. */
const connections: Record<string, Connection> = {};

/** The newest step that the running training of a place has reported to the server; 0 if none. */
const stepTold = async (campaign: DevCampaign, place: string): Promise<number> =>
  Math.max(0, ...(await heartbeats(campaign, place)).map(({ step = 0 }) => step));

/**
 * Stops the worker and calls `lost`. If it returns something, kills the worker; otherwise the worker
 * continues.
 */
async function killedWhere<T>(
  campaign: DevCampaign,
  lost: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const { worker } = (campaign.tree as DevTree).pids();
  if (worker === undefined) return undefined;
  process.kill(worker, "SIGSTOP");
  const found = await lost();
  process.kill(worker, found === undefined ? "SIGCONT" : "SIGKILL");
  return found;
}

type Facts = Record<string, number | boolean | undefined>;

/** Facts of the manifests under a prefix. */
const factsOf = async ({ store }: RatchetClient, prefix: string): Promise<Facts[]> =>
  (await manifestsUnder<unknown, Facts>(store, CAMPAIGN, prefix)).map(({ facts }) => facts);

describe("a campaign whose processes are killed", { skip: NO_TEMPORAL_BIN, timeout: STUCK_MS }, () => {
  const undisturbed: Record<"small" | "slow", Record<string, string>> = { small: {}, slow: {} };
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
  const completes = async (client: RatchetClient, expected: Record<string, string>): Promise<void> => {
    await endsWell(client);
    assert.deepEqual(await outcomesOf(client), expected);
    assert.deepEqual((await client.verify(CAMPAIGN)).problems, []);
  };

  before(async () => {
    for (const [name, shop] of [
      ["small", SHOP],
      ["slow", SLOW],
    ] as const) {
      const campaign = await make(shop);
      const client = await campaign.start();
      await endsWell(client);
      undisturbed[name] = await outcomesOf(client);
      await client.close();
      await campaign.down();
    }
  });
  after(async () => {
    await Promise.all(Object.values(connections).map((connection) => connection.close()));
    await Promise.all(made.map((campaign) => campaign.remove()));
  });

  describe("in two iterations", () => {
    let campaign: DevCampaign;
    let client: RatchetClient;
    before(async () => {
      campaign = await make(SLOW);
      client = await campaign.start();
    });
    after(() => client?.close());

    // In a piece of generate, beyond a checkpoint of train, and in iteration 2.
    it("resumes where it was after two kill -9 of the worker and one of the server", async () => {
      let piece = -1;
      await until("a piece of generate that is begun and not committed", client, async () => {
        const begun = (await heartbeats(campaign, "it-0001.1")).flatMap((heartbeat) => heartbeat.begun ?? []);
        const open = async (): Promise<number | undefined> => {
          for (const index of begun)
            if (
              (await count(client, `results/it-0001.1/generate/piece-${String(index).padStart(5, "0")}`)) ===
              0
            )
              return index;
          return undefined;
        };
        piece = (begun.length > 0 ? await killedWhere(campaign, open) : undefined) ?? -1;
        return piece >= 0;
      });

      let steps = { saved: 0, told: 0 };
      await until("steps of train beyond a checkpoint", client, async () => {
        const told = await stepTold(campaign, "it-0001.1");
        const beyond = async (): Promise<typeof steps | undefined> => {
          const saved = await savedStep(client, "it-0001.1");
          return saved > 0 && saved < told ? { saved, told } : undefined;
        };
        const found = told > 0 ? await killedWhere(campaign, beyond) : undefined;
        if (found) steps = found;
        return found !== undefined;
      });

      await until(
        "first piece of iteration 2",
        client,
        async () => (await count(client, "results/it-0002.1/generate/")) > 0,
      );
      process.kill(campaign.tree?.pids().server as number, "SIGKILL");
      assert.ok(await waitUntilServing((campaign.tree as DevTree).address, 60_000));

      const pieces = await factsOf(client, "it-0001.1/generate/piece-");
      assert.ok((pieces[piece]?.["attempt"] as number) > 1, "the record shows the killed attempt");
      assert.deepEqual(
        pieces
          .map((facts, index) => (facts["recomputed"] === true ? index : -1))
          .filter((index) => index >= 0),
        [piece],
        "only the begun piece was computed again",
      );
      const [train] = await factsOf(client, "it-0001.1/train/");
      assert.ok((train?.["attempt"] as number) > 1, "the record shows the killed attempt");
      assert.equal(train?.["resumedFrom"], steps.saved, "it resumed from the newest checkpoint");
      assert.ok(
        (train?.["recomputed"] as number) >= steps.told - steps.saved &&
          (train?.["recomputed"] as number) > 0,
        `${train?.["recomputed"]} steps again, ${JSON.stringify(steps)}`,
      );
      const log = readFileSync(join(campaign.stateDir, "logs", "worker.log"), "utf8");
      assert.match(
        log,
        /failed a killed worker's attempts: .*train of ratchet:small-shop\/it-0001\.1/,
        "the next worker did not wait for the heartbeat timeout",
      );
    });

    it("ends with the same weights after these kills and a pause in the middle of training", async () => {
      const place = "it-0002.1";
      let told = 0;
      await until("steps of train", client, async () => (told = await stepTold(campaign, place)) > 0);
      await client.pause(CAMPAIGN, { by: "test", why: "to see" });
      while ((await heartbeats(campaign, place)).length > 0) await delay(POLL_MS);
      assert.equal((await client.status(CAMPAIGN)).status, "paused");
      const saved = await savedStep(client, place);
      assert.ok(saved >= told, `saved at step ${saved}, seen at ${told}`);
      await client.resume(CAMPAIGN, { by: "test", why: "seen" });
      await completes(client, undisturbed.slow);
      await campaign.down();
      const [train] = await factsOf(client, `${place}/train/`);
      assert.equal(train?.["resumedFrom"], saved, "it resumed where it was paused");
    });
  });

  it("loses no step when the worker gets a termination notice for its machine", async () => {
    const notice = join(tmpdir(), `ratchet-notice-${process.pid}`);
    // SFT takes long enough that its steps are seen in a heartbeat, on any machine.
    const campaign = await make(
      { ...SHOP, sftRows: 6_400 },
      { env: { ...process.env, RATCHET_DRAIN_FILE: notice } },
    );
    const client = await campaign.start();
    let seen = 0;
    await until("steps of SFT", client, async () => (seen = await stepsSeen(client)) > 0);
    // So that SFT does not end before the worker sees the notice.
    const engines = await childrenOf(campaign.tree?.pids().worker as number, "onnx/child.js");
    for (const engine of engines) signal(engine, "SIGSTOP");
    writeFileSync(notice, "");
    const log = join(campaign.stateDir, "logs", "worker.log");
    await until("worker that drains", client, async () =>
      readFileSync(log, "utf8").includes("termination notice from"),
    );
    for (const engine of engines) signal(engine, "SIGCONT");
    rmSync(notice);
    await until("end of SFT", client, async () => (await count(client, "results/it-0000.1/sft/")) > 0);
    const [sft] = await factsOf(client, "it-0000.1/sft/");
    assert.equal(sft?.["attempt"], 2);
    assert.ok((sft?.["resumedFrom"] as number) >= seen, "the step at the notice was saved");
    assert.equal(sft?.["recomputed"], 0);
    await client.close();
    // Nothing else of this campaign is tested.
    await campaign.down();
  });

  describe(s3 ? "in a bucket of a real S3 server" : "in a directory", () => {
    let campaign: DevCampaign;
    before(async () => {
      const { endpoint, accessKeyId, secretAccessKey, region } = s3 ?? {};
      const aws = s3 && {
        AWS_ENDPOINT_URL: endpoint,
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
      };
      Object.assign(process.env, aws);
      campaign = await make(
        SHOP,
        s3 && { storeName: `s3://${s3.bucket}/killed-${process.pid}`, env: { ...process.env, ...aws } },
      );
    });

    it("continues after kill -9 of the worker", async () => {
      const client = await campaign.start();
      const pieces = "results/it-0001.1/generate/";
      await until("first piece of generate", client, async () => (await count(client, pieces)) > 0);
      process.kill(campaign.tree?.pids().worker as number, "SIGKILL");
      const scores = "results/it-0001.1/score/";
      await until("scores of iteration 1", client, async () => (await count(client, scores)) > 0);
      await client.close();
    });

    it("ends with the same weights by the same start after Temporal's database was deleted", async () => {
      await campaign.down();
      for (const name of readdirSync(join(campaign.stateDir, "temporal")))
        if (name.includes(".db")) rmSync(join(campaign.stateDir, "temporal", name));
      await campaign.up();
      const client = await campaign.start();
      await completes(client, undisturbed.small);
      assert.equal((await client.status(CAMPAIGN)).epoch, 2);
      await client.close();
    });
  });
});
