// `npm run histories`: sizes of Temporal histories and of the worker's memory after long campaigns. It runs a
// campaign of many iterations and an iteration of many shards. Only the computing is stubbed: Temporal on a
// file, the store and the ledger are real. Afterwards it reads each run's history from the server. Stopped
// and started again with the same folder, it resumes. docs/safety.md explains the output.
import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { Client, Connection, ServiceError, WorkflowNotFoundError } from "@temporalio/client";
import type { WorkflowHandle } from "@temporalio/client";
import { createControlActivities, createStageActivities } from "../activities/index.ts";
import { campaignWorkflowId } from "../campaign/ids.ts";
import { freePort } from "../dev/ports.ts";
import {
  NAMESPACE,
  serverArguments,
  waitUntilServing,
  withoutTemporalSettings,
} from "../dev/temporal-server.ts";
import { runScript } from "../infra/script.mjs";
import { openStore } from "../store/index.ts";
import { withActivities } from "../test/support/campaign-worker.ts";
import { readHistories } from "../test/support/histories.ts";
import type { RunHistory } from "../test/support/histories.ts";
import { createStubbed, stubbedDeps } from "../test/support/stubbed-work.ts";
import type { StubbedSize } from "../test/support/stubbed-work.ts";
import type { TestNamespace } from "../test/support/temporal.ts";
import "../test/support/quiet.ts";

const root = resolve(fileURLToPath(new URL("../..", import.meta.url)));
const SAMPLE_MS = 1_000;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      /** 0: no campaign of many iterations. */
      iterations: { type: "string", default: "1000" },
      /** 0: no iteration of many shards. */
      shards: { type: "string", default: "10000" },
      wave: { type: "string", default: "50" },
      dir: { type: "string", default: join(root, ".ratchet/histories") },
    },
  });
  await mkdir(values.dir, { recursive: true });
  const server = await startServer(join(values.dir, "server.db"));
  const wave = Number(values.wave);
  const sizes: [string, StubbedSize][] = [
    [
      `iterations-${values.iterations}`,
      { iterations: Number(values.iterations), perIteration: 1, wave, baseline: false },
    ],
    [
      `shards-${values.shards}`,
      { iterations: 1, perIteration: Number(values.shards), wave, baseline: false },
    ],
  ];
  for (const [id, size] of sizes)
    if (size.iterations * size.perIteration > 0) console.log(await measured(server, values.dir, id, size));
  await server.close();
  return 0;
}

async function measured(server: TestNamespace, dir: string, id: string, size: StubbedSize): Promise<string> {
  const store = await openStore(`dir:${join(dir, "store")}`);
  const deps = stubbedDeps(store, join(dir, "scratch"));
  const input = await createStubbed(store, id, size);
  const memory = new Memory();
  await withActivities(
    server,
    { control: createControlActivities(deps), stages: createStageActivities(deps) },
    async (start) => {
      const known = server.client.workflow.getHandle(campaignWorkflowId(id));
      const handle = (await isKnown(known)) ? known : await start(input);
      await ended(handle);
    },
  );
  const mebibytes = memory.stop();
  return [
    `${id}: resident memory of the worker, MiB: ${mebibytes}`,
    table(await readHistories(server.connection, server.namespace, campaignWorkflowId(id))),
  ].join("\n");
}

/** Samples the resident memory during a run. */
class Memory {
  private readonly samples: number[] = [];
  private readonly timer = setInterval(
    () => this.samples.push(process.memoryUsage.rss() / 2 ** 20),
    SAMPLE_MS,
  );

  stop(): string {
    clearInterval(this.timer);
    const at = (share: number): string =>
      (this.samples[Math.floor(share * (this.samples.length - 1))] ?? NaN).toFixed(0);
    const highest = Math.max(...this.samples).toFixed(0);
    return `after a tenth ${at(0.1)}, half ${at(0.5)}, at the end ${at(1)}, at most ${highest}`;
  }
}

/** Waits for the end. In a long run a busy server sometimes fails a long poll. */
async function ended(handle: WorkflowHandle, missesMax = 50): Promise<void> {
  for (let misses = 0; ; misses += 1) {
    try {
      await handle.result();
      return;
    } catch (error) {
      if (!(error instanceof ServiceError) || misses === missesMax) throw error;
      await sleep(SAMPLE_MS);
    }
  }
}

async function isKnown(handle: WorkflowHandle): Promise<boolean> {
  try {
    await handle.describe();
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** One line per workflow type. */
function table(runs: readonly RunHistory[]): string {
  const most = (of: readonly RunHistory[], value: (run: RunHistory) => number): number =>
    Math.max(...of.map(value));
  const lines = [...new Set(runs.map(({ type }) => type))].sort().map((type) => {
    const of = runs.filter((run) => run.type === type);
    const largest = of.reduce((one, other) =>
      other.largest.bytes > one.largest.bytes ? other : one,
    ).largest;
    const events = of.reduce((sum, run) => sum + run.events, 0);
    return [
      type,
      new Set(of.map(({ workflowId }) => workflowId)).size,
      of.length,
      events,
      most(of, (run) => run.events),
      kibibytes(most(of, (run) => run.sizeBytes)),
      `${largest.bytes} (${largest.event})`,
    ];
  });
  const head = [
    "workflow",
    "executions",
    "runs",
    "events",
    "most events of a run",
    "largest run, KiB",
    "largest payload, bytes",
  ];
  return [head, head.map(() => "---"), ...lines].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const kibibytes = (bytes: number): string => (bytes / 1024).toFixed(0);

async function startServer(database: string): Promise<TestNamespace> {
  const grpc = await freePort();
  const args = serverArguments(database, { grpc }, "ratchet-histories");
  const child = spawn(process.env["RATCHET_TEST_TEMPORAL_BIN"] as string, args, {
    stdio: "ignore",
    env: withoutTemporalSettings(process.env),
  });
  process.once("exit", () => child.kill("SIGKILL"));
  const address = `127.0.0.1:${grpc}`;
  if (!(await waitUntilServing(address, 60_000, () => child.exitCode !== null)))
    throw new Error("the Temporal server did not start");
  const connection = await Connection.connect({ address });
  const close = async (): Promise<void> => {
    await connection.close();
    child.kill();
  };
  return {
    address,
    namespace: NAMESPACE,
    connection,
    client: new Client({ connection, namespace: NAMESPACE }),
    close,
  };
}

await runScript(main);
process.exit();
