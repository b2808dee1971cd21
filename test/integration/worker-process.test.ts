// Real worker processes that leave in mid-training: told to, they save and exit 0; killed, they leave what the store has. Either way another
// worker with another home and nothing on its disk goes on at that step, to the same weights.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, openSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { resolveSpec } from "../../campaign/spec/resolve.ts";
import type { TrainResult } from "../../campaign/types.ts";
import { RatchetClient } from "../../client/ratchet-client.ts";
import { SHOP_DIR, smallShop } from "../support/small-shop.ts";
import type { TestNamespace } from "../support/temporal.ts";
import { NO_TEMPORAL, openNamespace } from "../support/temporal.ts";

const WORKER = fileURLToPath(new URL("../../worker/main.js", import.meta.url));
const CAMPAIGN = "left";
/** Of all the campaign only SFT matters here: long enough to be left in the middle of it, twice. */
const WRITTEN = smallShop({ seed: 6, iterations: 1, perIteration: 16, sftRows: 3200 });

describe("a worker process that leaves in mid-training", { skip: NO_TEMPORAL, timeout: 600_000 }, () => {
  let temporal: TestNamespace;
  let root: string;
  let client: RatchetClient;
  const started: ChildProcess[] = [];

  before(async () => {
    temporal = await openNamespace();
    root = await mkdtemp(join(tmpdir(), "ratchet-left-"));
    client = await RatchetClient.connect({
      store: `dir:${join(root, "store")}`,
      temporal: {
        address: temporal.address,
        namespace: temporal.namespace,
        connection: {},
        identity: "test",
      },
    });
    await client.start(
      { spec: resolveSpec(WRITTEN), written: WRITTEN, file: "small-shop.ts", baseDir: SHOP_DIR },
      { campaignId: CAMPAIGN },
    );
  });
  after(async () => {
    for (const child of started) child.kill("SIGKILL");
    await client.close();
    await temporal.close();
    await rm(root, { recursive: true, force: true });
  });

  /** Each in a folder of its own: state, cache, home and temporary files. */
  const worker = (name: string): { child: ChildProcess; log: string; state: string } => {
    const folder = join(root, name);
    for (const dir of ["state", "home", "tmp"]) mkdirSync(join(folder, dir), { recursive: true });
    const log = join(folder, "worker.log");
    const fd = openSync(log, "w");
    const env = {
      PATH: process.env["PATH"],
      HOME: join(folder, "home"),
      TMPDIR: join(folder, "tmp"),
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: temporal.namespace,
      RATCHET_STORE: `dir:${join(root, "store")}`,
      RATCHET_STATE: join(folder, "state"),
      RATCHET_SERVER_ID: "test",
      RATCHET_CHILDREN: "1",
      RATCHET_THREADS: "1",
      RATCHET_GRACE_MS: "60000",
    };
    const child = spawn(process.execPath, [WORKER], { env, stdio: ["ignore", fd, fd] });
    started.push(child);
    return { child, log, state: join(folder, "state") };
  };
  /** Step that the running training has told, of at least `least`. */
  const stepsOf = async (least: number): Promise<number> => {
    for (let tries = 0; tries < 3_000; tries += 1) {
      const { live } = await client.status(CAMPAIGN);
      const [stage] = live?.stages ?? [];
      assert.ok(
        stage === undefined || stage.stage === "sft",
        `${stage?.stage}: SFT was over before it could be left`,
      );
      if (stage?.counted?.unit === "steps" && stage.counted.done >= least) return stage.counted.done;
      await delay(100);
    }
    assert.fail(`no step ${least} within 300 s`);
  };
  const newestStep = async (): Promise<number> => {
    let newest = 0;
    for await (const key of client.store.backend.list(`campaigns/${CAMPAIGN}/work/it-0000.1/sft/`))
      newest = Number(/step-(\d+)\.json$/.exec(key)?.[1]);
    return newest;
  };

  it("saves, exits 0 and is followed at that step; killed with its disk gone, it is followed at the newest step in the store", async () => {
    const told = worker("told");
    const seen = await stepsOf(2);
    told.child.kill("SIGTERM");
    const [code] = (await once(told.child, "exit")) as [number];
    assert.equal(code, 0, readFileSync(told.log, "utf8"));
    const saved = await newestStep();
    assert.ok(saved >= seen, `step ${seen} was told, ${saved} saved`);
    assert.deepEqual(readdirSync(join(told.state, "worker", "scratch")), [], "and left nothing behind");

    const killed = worker("killed");
    const before = await stepsOf(saved + 1);
    assert.ok(before > saved, "it went on behind the saved step");
    const scratch = join(killed.state, "worker", "scratch");
    const kept = (): number => readdirSync(scratch).flatMap((own) => stepsIn(join(scratch, own))).length;
    while ((await newestStep()) <= saved) {
      assert.ok(
        kept() <= 3,
        "what is in the store is not kept on the disk: one is written, one goes up, one waits",
      );
      await delay(50);
    }
    killed.child.kill("SIGKILL");
    await once(killed.child, "exit");
    const stored = await newestStep();
    await rm(join(root, "killed"), { recursive: true, force: true });

    worker("last");
    for await (const { type } of client.watch(CAMPAIGN)) if (type === "row") break;
    const { result, facts } = await sft(client);
    assert.ok(
      (facts["resumedFrom"] as number) >= stored && stored > saved,
      `resumed from ${String(facts["resumedFrom"])}, stored ${stored}`,
    );
    assert.equal(facts["attempt"], 3);
    assert.ok(result.steps > stored);
  });
});

/** Checkpoints of all attempts in a worker's scratch folder, which may be removed while this looks. */
const stepsIn = (scratch: string): string[] =>
  readdirSync(scratch).flatMap((attempt) => {
    try {
      return readdirSync(join(scratch, attempt, "checkpoints"));
    } catch {
      return [];
    }
  });

async function sft(client: RatchetClient): Promise<{ result: TrainResult; facts: Record<string, unknown> }> {
  for await (const key of client.store.backend.list(`campaigns/${CAMPAIGN}/results/it-0000.1/sft/`)) {
    const found = await client.store.readManifest<{ result: TrainResult; facts: Record<string, unknown> }>(
      key,
    );
    if (found) return found.manifest;
  }
  assert.fail("SFT has no result");
}
