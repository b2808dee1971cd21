// A campaign whose labels come from a language model behind an API, on a real server of the protocol. The
// worker is killed while requests are in flight.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { PlaceHistory } from "../../client/record/history.ts";
import { ChatServer, longer, TEMPLATE } from "../support/chat-server.ts";
import { STUCK_MS } from "../support/limits.ts";
import { startOnNamespace } from "../support/namespace-campaign.ts";
import type { NamespaceCampaign } from "../support/namespace-campaign.ts";
import { smallShop } from "../support/small-shop.ts";
import { spawnWorker } from "../support/spawned-worker.ts";
import { NO_TEMPORAL } from "../support/temporal.ts";

const ID = "judged";
const KEY = "sk-test-0123456789abcdef";
const CONCURRENCY = 3;
const COMPARISONS = 32;

class Judged {
  readonly campaign: NamespaceCampaign;
  readonly server: ChatServer;
  private readonly workers: ChildProcess[] = [];

  private constructor(campaign: NamespaceCampaign, server: ChatServer) {
    this.campaign = campaign;
    this.server = server;
  }

  static async start(): Promise<Judged> {
    const labels = { perIteration: COMPARISONS, audit: 8, minimum: 20, labelers: { api: "nightly" } };
    const written = { ...smallShop({ seed: 31, iterations: 1, sftRows: 400, baselines: [] }), labels };
    const judged = new Judged(await startOnNamespace(ID, written), await ChatServer.start());
    const { root } = judged.campaign;
    await writeFile(join(root, "prompt.txt"), TEMPLATE);
    const settings = {
      url: judged.server.url,
      model: "judge-1",
      key: "env:JUDGE_KEY",
      prompt: "prompt.txt",
      requestsPerMinute: 60_000,
      concurrency: CONCURRENCY,
      price: { input: 1, output: 10 },
    };
    await writeFile(join(root, "labelers.yaml"), JSON.stringify({ nightly: settings }));
    return judged;
  }

  worker(): ChildProcess {
    const { campaign, workers } = this;
    const env = { RATCHET_API_LABELERS: join(campaign.root, "labelers.yaml"), JUDGE_KEY: KEY };
    const worker = spawnWorker(campaign, `worker-${workers.length}`, env);
    workers.push(worker);
    return worker;
  }

  /** All that the workers have said. */
  async logs(): Promise<string> {
    const files = this.workers.map((_, i) =>
      readFile(join(this.campaign.root, `worker-${i}`, "worker.log"), "utf8"),
    );
    return (await Promise.all(files)).join("");
  }

  async place(): Promise<PlaceHistory> {
    const outcome = await this.campaign.client.wait(ID);
    assert.equal(outcome?.status, "completed", JSON.stringify(outcome));
    const { places } = await this.campaign.client.history(ID);
    return places.find(({ place }) => place === "it-0001.1") ?? assert.fail("no iteration");
  }

  async close(): Promise<void> {
    for (const worker of this.workers) worker.kill("SIGKILL");
    await this.campaign.close();
    await this.server.close();
  }
}

async function until(what: string, is: () => boolean): Promise<void> {
  for (let tries = 0; tries < 6_000; tries += 1) {
    if (is()) return;
    await delay(100);
  }
  assert.fail(`${what} did not happen within 10 min`);
}

describe("a campaign with an API labeler", { skip: NO_TEMPORAL, timeout: STUCK_MS }, () => {
  const open: Judged[] = [];
  after(async () => {
    for (const one of open) await one.close();
  });
  const start = async (): Promise<Judged> => {
    const one = await Judged.start();
    open.push(one);
    return one;
  };

  it("pays again only what was in flight at a kill; no label is lost or doubled", async () => {
    const [killed, quiet] = [await start(), await start()];
    const never = new Promise(() => undefined);
    const { server } = killed;
    server.answerWith((request) => (request.index < 20 ? longer(request) : { after: never }));
    const first = killed.worker();
    await until("a full flight", () => server.requests.length === 20 + CONCURRENCY);
    first.kill("SIGKILL");
    await once(first, "exit");
    server.answerWith((request) =>
      request.index === 30 ? { status: 429, headers: { "retry-after": "1" } } : longer(request),
    );
    killed.worker();
    const place = await killed.place();
    assert.equal(server.requests.length, 2 * COMPARISONS + CONCURRENCY + 1, "one of them was refused by 429");
    assert.equal(server.mostInFlight, CONCURRENCY);

    quiet.worker();
    const other = await quiet.place();
    assert.equal(quiet.server.requests.length, 2 * COMPARISONS);
    assert.equal(place.weights, other.weights);
    assert.equal(place.stages.label, other.stages.label);

    const { client } = killed.campaign;
    const [cost] = place.api ?? [];
    assert.deepEqual(
      [cost?.model, cost?.comparisons, cost?.requests, cost?.price],
      ["judge-1", COMPARISONS, 2 * COMPARISONS, Number((2 * COMPARISONS * 0.0002).toFixed(9))],
    );
    const [stats] = await client.labelStats(ID);
    assert.equal(stats?.states.counted, COMPARISONS);
    assert.deepEqual((await client.verify(ID)).problems, []);
    assert.ok(!(await killed.logs()).includes(KEY), "no log holds the key");
  });
});
