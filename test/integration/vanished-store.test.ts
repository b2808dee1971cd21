// A store that vanishes twice in every stage, before an attempt reads and before it commits, and comes back
// later, as a mount or a server does: the campaign waits and ends with the results of an undisturbed one, and
// nothing was written where the store had been.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import type { CampaignOutcome } from "../../workflows/messages.ts";
import { campaignWorkflowId } from "../../campaign/ids.ts";
import { requireCampaign } from "../../client/record/record.ts";
import { ParentWatch } from "../../dev/parent-watch.ts";
import { storeOn } from "../../store/index.ts";
import type { Backend } from "../../store/types.ts";
import { cachedUndisturbed } from "../chaos/built.ts";
import { check } from "../chaos/check.ts";
import { CAMPAIGN } from "../chaos/environment.ts";
import { Events } from "../chaos/events.ts";
import { STAGES } from "../chaos/pairs.ts";
import { awsEnvironment, BUCKET, S3Server } from "../chaos/s3-server.ts";
import { TEST_SEED, tinyShop } from "../chaos/tiny-shop.ts";
import { NO_TEMPORAL_BIN } from "../support/dev-campaign.ts";
import { STUCK_MS } from "../support/limits.ts";
import { startOnNamespace } from "../support/namespace-campaign.ts";
import { currentStage, withProductWorker } from "../support/product-worker.ts";
import { NO_TEMPORAL } from "../support/temporal.ts";

/** Long enough for several failed attempts in a row, each RETRY_MS after the one before. */
const AWAY_MS = 1_000;
const RETRY_MS = 100;
const { RATCHET_TEST_TEMPORAL_BIN: temporalBin = "", RATCHET_TEST_VERSITYGW_BIN: versitygw } = process.env;
const folder = mkdtempSync(join(tmpdir(), "ratchet-vanished-"));
after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));

type Moment = "begin" | "commit";

/** Takes the store away, and brings it back later. */
interface Outage {
  leave(): void;
  comeBack(): Promise<void>;
}

/** Moves a folder away and back. `strays`: files that somebody made in its place meanwhile. */
class MovedFolder implements Outage {
  readonly strays: string[] = [];
  private readonly path: string;
  constructor(path: string) {
    this.path = path;
  }

  leave(): void {
    renameSync(this.path, `${this.path}-away`);
  }

  async comeBack(): Promise<void> {
    if (existsSync(this.path)) {
      this.strays.push(...readdirSync(this.path, { recursive: true, encoding: "utf8" }));
      rmSync(this.path, { recursive: true });
    }
    renameSync(`${this.path}-away`, this.path);
  }
}

/** A server that is killed, and started again on the same port and data. */
class KilledServer implements Outage {
  private readonly server: S3Server;
  private killed: Promise<void> | undefined;
  constructor(server: S3Server) {
    this.server = server;
  }

  leave(): void {
    this.killed = this.server.kill();
  }

  async comeBack(): Promise<void> {
    await this.killed;
    await this.server.up();
  }
}

/** Plays one outage per stage and moment, one at a time. */
class Outages {
  readonly played: string[] = [];
  readonly failures: Record<string, number> = {};
  private readonly outage: Outage;
  private away: Promise<void> | undefined;
  constructor(outage: Outage) {
    this.outage = outage;
  }

  /** Called at each such moment of an attempt. */
  at(stage: string, moment: Moment): void {
    const name = `${stage} ${moment}`;
    if (this.away || this.played.includes(name)) return;
    this.played.push(name);
    this.outage.leave();
    this.away = new Promise<void>((resolve) => setTimeout(resolve, AWAY_MS))
      .then(() => this.outage.comeBack())
      .finally(() => (this.away = undefined));
  }

  failed(code: string | null | undefined): void {
    this.failures[`${code}`] = (this.failures[`${code}`] ?? 0) + 1;
  }

  settled = (): Promise<void> => this.away ?? Promise.resolve();
}

/** The backend, which reports the first conditional write of each stage before it is done. */
const reporting = (backend: Backend, outages: Outages): Backend => ({
  ...backend,
  putIfAbsent(key, bytes) {
    const stage = currentStage();
    if (stage !== undefined) outages.at(stage, "commit");
    return backend.putIfAbsent(key, bytes);
  },
});

/** Runs a campaign whose store vanishes in each stage, and checks it against the undisturbed one. */
async function goesOn(outage: Outage, storeName: string): Promise<void> {
  const settings = {
    seed: TEST_SEED,
    store: "dir" as const,
    tools: { temporal: temporalBin, versitygw },
    folder,
  };
  const undisturbed = await cachedUndisturbed(settings, () => undefined);
  const { temporal, client, close } = await startOnNamespace(CAMPAIGN, tinyShop(TEST_SEED), storeName);
  const outages = new Outages(outage);
  try {
    const worker = {
      deps: async (real: Parameters<Parameters<typeof withProductWorker>[2]["deps"]>[0]) => ({
        ...real,
        store: await storeOn(reporting(real.store.backend, outages)),
      }),
      onBegin: (_activity: string, stage: string): void => outages.at(stage, "begin"),
      onFailure: (_activity: string, code: string | null | undefined): void => outages.failed(code),
      retryMs: RETRY_MS,
    };
    await withProductWorker(temporal, storeName, worker, async () => {
      // The server is asked, because the client reads the store.
      const handle = temporal.client.workflow.getHandle(campaignWorkflowId(CAMPAIGN));
      const { status } = (await handle.result()) as CampaignOutcome;
      assert.equal(status, "completed", JSON.stringify(outages));
      await outages.settled();
    });
    assert.deepEqual(Object.keys(outages.failures), ["store_unreachable"], JSON.stringify(outages.failures));
    // `give` is a request to the page where people label; nobody labels here.
    for (const stage of STAGES.filter((each) => each !== "give"))
      for (const moment of ["begin", "commit"])
        assert.ok(
          outages.played.includes(`${stage} ${moment}`),
          `${stage} ${moment}: ${outages.played.join()}`,
        );
    const { rows } = await requireCampaign(client.store, CAMPAIGN);
    assert.deepEqual(
      rows.map(({ epoch, event }) => `${epoch} ${event.type}`),
      ["0 created", "1 opened", "1 bootstrap-finished", "1 iteration-finished", "1 completed"],
    );
    const { problems } = await check(client.store, undisturbed.outcome, new Events(), [], {
      crowd: undefined,
      labelers: "nobody",
      immutability: { atTheEnd: async () => [] },
    });
    // Without the log of a chaos worker, repeated steps cannot be explained.
    assert.deepEqual(
      problems.filter((problem) => !problem.includes("resumed from step")),
      [],
    );
  } finally {
    await outages.settled();
    await close();
  }
}

it(
  "a campaign whose directory is moved away for a while in each stage waits, and ends undisturbed",
  { skip: NO_TEMPORAL || NO_TEMPORAL_BIN, timeout: STUCK_MS },
  async () => {
    const store = join(folder, "store");
    const outage = new MovedFolder(store);
    await goesOn(outage, `dir:${store}`);
    assert.deepEqual(outage.strays, [], "nothing was made in the place of the store");
  },
);

it(
  "a campaign whose S3 server is gone for a while in each stage waits, and ends undisturbed",
  {
    skip: NO_TEMPORAL || NO_TEMPORAL_BIN || (versitygw ? false : "RATCHET_TEST_VERSITYGW_BIN is not set"),
    timeout: STUCK_MS,
  },
  async () => {
    const parentWatch = new ParentWatch();
    mkdirSync(join(folder, "s3"));
    const server = await S3Server.start(versitygw as string, join(folder, "s3"), parentWatch);
    Object.assign(process.env, awsEnvironment(server.port));
    try {
      await goesOn(new KilledServer(server), `s3://${BUCKET}/store`);
    } finally {
      await server.kill();
      parentWatch.close();
    }
  },
);
