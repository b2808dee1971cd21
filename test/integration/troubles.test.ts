// One real campaign with three troubles: a piece that always kills the engine, a store request that never
// returns, and a store that does not answer when a training commits.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";

import { it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { RatchetError } from "../../errors/index.ts";
import type { Deps } from "../../activities/deps.ts";

import type { GenerateResult, PairResult } from "../../campaign/types.ts";
import type { RatchetClient } from "../../client/ratchet-client.ts";
import { tinyShop } from "../chaos/tiny-shop.ts";
import { withProductWorker } from "../support/product-worker.ts";
import { startOnNamespace } from "../support/namespace-campaign.ts";
import { manifestsUnder } from "../support/record.ts";
import { NO_TEMPORAL } from "../support/temporal.ts";
import { STUCK_MS } from "../support/limits.ts";

const CAMPAIGN = "troubles";
const OUTAGE_TRIES = 3;

it(
  "drops a piece that kills the engine, retries a stuck seal, keeps a training until the store answers",
  { skip: NO_TEMPORAL, timeout: STUCK_MS },
  async () => {
    const shop = tinyShop(3);
    const written = { ...shop, generate: { ...shop.generate, poison: "drop" as const } };
    const { temporal, storeName, client, close } = await startOnNamespace(CAMPAIGN, written);
    const failures: string[] = [];
    const troubled = troubledStore();
    try {
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
      await withProductWorker(temporal, storeName, worker, async () => {
        const outcome = await client.wait(CAMPAIGN);
        assert.equal(outcome?.status, "completed", JSON.stringify([outcome, failures]));
      });

      assert.equal(
        failures.filter((failure) => failure === "generate engine_died").length,
        2,
        `two retries, and the third crash drops the piece: ${failures.join(", ")}`,
      );
      const generated = await resultUnder<GenerateResult>(client, "it-0001.1/generate/");
      assert.deepEqual(
        generated.dropped?.map(({ piece, prompts }) => ({ piece, prompts: prompts.length })),
        [{ piece: 2, prompts: 4 }],
      );
      assert.match(
        generated.dropped?.[0]?.cause ?? "",
        /piece 2 of generate of it-0001\.1 ended its process 3 times: .*SIGKILL/,
      );
      assert.equal(generated.counts.completions, 3 * 4 * 4, "all other prompts have their completions");
      const paired = await resultUnder<PairResult>(client, "it-0001.1/pair/");
      assert.equal(paired.report.groups, 12, "pairing continues without them");

      assert.ok(failures.includes("seal stuck"), failures.join(", "));
      assert.equal(troubled.refused(), OUTAGE_TRIES);
      assert.ok(
        !failures.includes("train store_unreachable"),
        `the attempt that had trained did not fail: ${failures.join(", ")}`,
      );
      assert.deepEqual((await client.verify(CAMPAIGN)).problems, []);
    } finally {
      await close();
    }
  },
);

/** Kills the engine's process whenever it works on piece 2 of iteration 1. */
function poisoned({ generator }: Deps): Deps["generator"] {
  // One call at a time, because other calls in the same process would fail, too.
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

/** Repeats until the call is over, because the process may start a moment after the call. */
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
    // killed before, and still listed
  }
}

/**
 * A store in which the first seal of iteration 1's scores never returns, and the commit of its training fails
 * a few times.
 */
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

async function resultUnder<R>({ store }: RatchetClient, prefix: string): Promise<R> {
  const found = await manifestsUnder<R>(store, CAMPAIGN, prefix);
  return (
    found.find(({ key }) => !key.includes("/piece-"))?.result ?? assert.fail(`no result under ${prefix}`)
  );
}
