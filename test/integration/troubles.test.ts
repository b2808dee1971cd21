// One real campaign that meets what an attempt can die of: a piece that kills whoever computes it, a request that hangs for ever, and a store
// that is away when hours of training are to be committed.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { RatchetError } from "../../errors/index.ts";
import type { Deps } from "../../activities/deps.ts";
import { resolveSpec } from "../../campaign/spec/resolve.ts";
import type { GenerateResult, PairResult } from "../../campaign/types.ts";
import { RatchetClient } from "../../client/ratchet-client.ts";
import { tinyShop } from "../chaos/tiny-shop.ts";
import { withProductWorker } from "../support/product-worker.ts";
import { SHOP_DIR } from "../support/small-shop.ts";
import { NO_TEMPORAL, openNamespace } from "../support/temporal.ts";

const CAMPAIGN = "troubles";
const OUTAGE_TRIES = 3;

it(
  "a poisoned piece is left out by name, a stuck seal is tried again, and a finished training waits for the store with its weights in hand",
  { skip: NO_TEMPORAL, timeout: 600_000 },
  async () => {
    const temporal = await openNamespace();
    const root = await mkdtemp(join(tmpdir(), "ratchet-troubles-"));
    const store = `dir:${join(root, "store")}`;
    const client = await RatchetClient.connect({
      store,
      temporal: {
        address: temporal.address,
        namespace: temporal.namespace,
        connection: {},
        identity: "test",
      },
    });
    const shop = tinyShop(3);
    const written = { ...shop, generate: { ...shop.generate, poison: "drop" as const } };
    const failures: string[] = [];
    const troubled = troubledStore();
    try {
      await client.start(
        { spec: resolveSpec(written), written, file: "tiny-shop.ts", baseDir: SHOP_DIR },
        { campaignId: CAMPAIGN },
      );
      const worker = {
        deps: (real: Deps): Deps => ({
          ...real,
          generator: poisoned(real),
          store: troubled.behind(real.store),
        }),
        control: (deps: Deps): Deps => ({
          ...deps,
          stuckAfter: { unknownMs: 2_000, leastMs: 2_000 },
          graceMs: 100,
        }),
        onBegin: () => undefined,
        onFailure: (activity: string, code: string | null | undefined) =>
          void failures.push(`${activity} ${code}`),
      };
      await withProductWorker(temporal, store, worker, async () => {
        const outcome = await client.wait(CAMPAIGN);
        assert.equal(outcome?.status, "completed", JSON.stringify([outcome, failures]));
      });

      assert.equal(
        failures.filter((failure) => failure === "generate engine_died").length,
        2,
        `the third death is the verdict: ${failures.join(", ")}`,
      );
      const { result: generated } = await manifest<GenerateResult>(
        client,
        "it-0001.1/generate/",
        ({ stage }) => stage === "generate",
      );
      assert.deepEqual(
        generated.dropped?.map(({ piece, prompts }) => ({ piece, prompts: prompts.length })),
        [{ piece: 2, prompts: 4 }],
      );
      assert.match(
        generated.dropped?.[0]?.cause ?? "",
        /piece 2 of generate of it-0001\.1 ended its process 3 times: .*SIGKILL/,
      );
      assert.equal(generated.counts.completions, 3 * 4 * 4, "all other prompts are answered");
      const { result: paired } = await manifest<PairResult>(client, "it-0001.1/pair/", () => true);
      assert.equal(paired.report.groups, 12, "pairing goes on without them");

      assert.ok(failures.includes("seal stuck"), failures.join(", "));
      assert.equal(troubled.refused(), OUTAGE_TRIES);
      assert.ok(
        !failures.includes("train store_unreachable"),
        `the attempt that had trained waited: ${failures.join(", ")}`,
      );
      assert.deepEqual((await client.verify(CAMPAIGN)).problems, []);
    } finally {
      await client.close();
      await temporal.close();
      await rm(root, { recursive: true, force: true });
    }
  },
);

/** Kills the engine's real process whenever it answers the prompts of one piece of iteration 1. */
function poisoned({ generator }: Deps): Deps["generator"] {
  // One at a time: whoever shares the process would die too.
  let turn: Promise<unknown> = Promise.resolve();
  return {
    ...generator,
    generate(policy, requests, settings, context) {
      const { input, heartbeat } = context as unknown as {
        input: { source: string };
        heartbeat: { begun: number[] };
      };
      const answer = turn.then(() => {
        const answering = generator.generate(policy, requests, settings, context);
        if (input.source === "iteration" && heartbeat.begun[0] === 2) void killEngine(answering);
        return answering;
      });
      turn = answer.catch(() => undefined);
      return answer;
    },
  };
}

/** The process is there a moment after the call. */
async function killEngine(answering: Promise<unknown>): Promise<void> {
  let isOver = false;
  const over = (): void => void (isOver = true);
  for (answering.then(over, over); !isOver; await delay(5)) {
    const { stdout } = spawnSync("pgrep", ["-P", String(process.pid), "-f", "onnx/child.js"], {
      encoding: "utf8",
    });
    for (const pid of stdout.split("\n").filter(Boolean)) kill(Number(pid));
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // one that was killed before and is not gone yet
  }
}

/** The first seal of iteration 1's scores hangs for ever; the commit of its training is refused a few times. */
function troubledStore() {
  let hangs = 1;
  let refused = 0;
  return {
    refused: () => refused,
    behind: (real: Deps["store"]): Deps["store"] => ({
      ...real,
      commitManifest(key, manifest, names) {
        if (/it-0001\.1\/score\/[0-9a-f]+\.json$/.test(key) && hangs-- > 0)
          return new Promise(() => undefined);
        if (/results\/it-0001\.1\/train\//.test(key) && refused < OUTAGE_TRIES) {
          refused += 1;
          return Promise.reject(new RatchetError("store_unreachable", "away at the worst moment"));
        }
        return real.commitManifest(key, manifest, names);
      },
    }),
  };
}

async function manifest<R = unknown>(
  client: RatchetClient,
  prefix: string,
  wanted: (result: { stage: string; piece?: number }) => boolean,
): Promise<{ result: R; facts: Record<string, unknown> }> {
  for await (const key of client.store.backend.list(`campaigns/${CAMPAIGN}/results/${prefix}`)) {
    if (key.includes("/piece-")) continue;
    const found = await client.store.readManifest<{
      result: R & { stage: string };
      facts: Record<string, unknown>;
    }>(key);
    if (found && wanted(found.manifest.result)) return found.manifest;
  }
  assert.fail(`nothing under ${prefix}`);
}
