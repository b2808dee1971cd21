// One campaign of the overhead bench: a dev tree with the bench's worker, and where the campaign's time went.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client, Connection } from "@temporalio/client";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { campaignWorkflowId, resultsPrefix } from "../../campaign/ids.ts";
import type { PromptRow } from "../../campaign/recipe/rows.ts";
import { resolveSpec } from "../../campaign/spec/resolve.ts";
import type { WrittenSpec } from "../../campaign/spec/schema.ts";
import { RatchetClient } from "../../client/ratchet-client.ts";
import { startDevTree } from "../../dev/index.ts";
import type { DevTree } from "../../dev/index.ts";
import { freePort } from "../../dev/ports.ts";
import type { Store } from "../../store/types.ts";
import { SHOP_DIR } from "../../test/support/small-shop.ts";
import { BenchError } from "../runner.ts";
import type { PlainInput } from "./plain.ts";
import { beyond, covered, SPANS_VARIABLE } from "./spans.ts";
import type { Span } from "./spans.ts";

const CAMPAIGN = "overhead";
const WORKER = fileURLToPath(new URL("./worker.js", import.meta.url));

/** One campaign, in seconds. `wall` is from the start of its workflow to its close. */
export interface Durable {
  wall: number;
  /** Calls of the engine and of modules. */
  compute: number;
  /**
   * The rest of the activities: store, hashing, syncing, manifests, cache, and the recipe's own arithmetic,
   * which the plain calls measure.
   */
  inActivities: number;
  /** Time without an activity: Temporal, workflow tasks, queues. */
  between: number;
  /** By kind of activity: their number and their share of `inActivities`. */
  activities: Record<string, { count: number; seconds: number }>;
}

interface Campaign {
  durable: Durable;
  /** SHA-256 by `<place> <stage>`. */
  weights: Record<string, string>;
  /** The same work for the plain calls. */
  input: PlainInput;
}

export interface CampaignOptions {
  spec: WrittenSpec;
  /** Path of the Temporal command. */
  temporal: string;
  threads: number;
}

/** Runs the campaign in a dev tree of its own below `folder`. */
export async function runCampaign(folder: string, options: CampaignOptions): Promise<Campaign> {
  const { spec, temporal, threads } = options;
  const spansPath = join(folder, "spans.jsonl");
  const storeName = `dir:${join(folder, "store")}`;
  const env = {
    ...process.env,
    [SPANS_VARIABLE]: spansPath,
    RATCHET_CHILDREN: "1",
    RATCHET_THREADS: String(threads),
  };
  const tree = await startDevTree({
    stateDir: join(folder, "state"),
    store: storeName,
    ports: { grpc: await freePort() },
    ui: false,
    temporal,
    worker: WORKER,
    env,
    report: () => undefined,
  });
  const client = await RatchetClient.connect({
    store: storeName,
    temporal: { address: tree.address, namespace: tree.namespace, connection: {}, identity: tree.serverId },
  });
  try {
    const specDigest = await completed(client, spec);
    const [fromMs, toMs] = await workflowTimes(tree);
    await tree.drain();
    return {
      durable: account(readSpans(spansPath), fromMs, toMs),
      weights: await weightsIn(client.store),
      input: await plainInput(client.store, specDigest, folder, threads),
    };
  } finally {
    await client.close();
    await tree.stop();
  }
}

/** Starts the campaign and waits for its end; returns the digest of its compiled spec. */
async function completed(client: RatchetClient, written: WrittenSpec): Promise<string> {
  const { specDigest } = await client.start(
    { spec: resolveSpec(written), written, file: "campaign.ts", baseDir: SHOP_DIR },
    { campaignId: CAMPAIGN },
  );
  const outcome = await client.wait(CAMPAIGN);
  if (outcome?.status !== "completed")
    throw new BenchError(
      `the campaign did not complete: ${outcome?.status ?? "no outcome"} ${outcome?.failure?.message ?? ""}`,
    );
  return specDigest;
}

/** From the start of the campaign's workflow to its close, by the server's clock, which is this machine's. */
async function workflowTimes({ address, namespace }: DevTree): Promise<[fromMs: number, toMs: number]> {
  const connection = await Connection.connect({ address });
  try {
    const handle = new Client({ connection, namespace }).workflow.getHandle(campaignWorkflowId(CAMPAIGN));
    await handle.result();
    const { startTime, closeTime } = await handle.describe();
    return [startTime.getTime(), (closeTime as Date).getTime()];
  } finally {
    await connection.close();
  }
}

const readSpans = (path: string): Span[] =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Span);

function account(spans: Span[], fromMs: number, toMs: number): Durable {
  const activities = spans.filter(({ work }) => work === "activity");
  const compute = spans.filter(({ work }) => work === "compute");
  const seconds = (ms: number): number => ms / 1000;
  return {
    wall: seconds(toMs - fromMs),
    compute: seconds(covered(compute, fromMs, toMs)),
    inActivities: seconds(beyond(activities, compute, fromMs, toMs)),
    between: seconds(toMs - fromMs - covered(spans, fromMs, toMs)),
    activities: Object.fromEntries(
      [...new Set(activities.map(({ name }) => name))].map((name) => {
        const these = activities.filter((span) => span.name === name);
        return [name, { count: these.length, seconds: seconds(beyond(these, compute, fromMs, toMs)) }];
      }),
    ),
  };
}

async function weightsIn(store: Store): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const key of store.backend.list(resultsPrefix(CAMPAIGN))) {
    const result = (
      await store.readManifest<{ result: { place: string; stage: string; weights?: string } }>(key)
    )?.manifest.result;
    if (result?.weights) found[`${result.place} ${result.stage}`] = result.weights;
  }
  return found;
}

/** The campaign's inputs as files and rows for the plain calls. Not timed on either side. */
async function plainInput(
  store: Store,
  specDigest: string,
  folder: string,
  threads: number,
): Promise<PlainInput> {
  const spec = await store.getJson<CompiledSpec>(specDigest);
  const text = async (digest: string): Promise<string> =>
    new TextDecoder().decode(await store.getBlob(digest));
  const rows = async (list: { rows: string } | undefined): Promise<PromptRow[]> =>
    list
      ? (await text(list.rows))
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line) as PromptRow)
      : [];
  const { bootstrap, iterations, validation, test } = spec.prompts;
  const policy = join(folder, "policy");
  await store.getTree(spec.policy.tree, policy);
  const prompts = {
    bootstrap: await rows(bootstrap),
    iterations: await rows(iterations),
    validation: await rows(validation),
    test: await rows(test),
  };
  return {
    spec,
    policy,
    prompts,
    sft: spec.bootstrap.sft ? await text(spec.bootstrap.sft.data.rows) : "",
    dir: join(folder, "plain"),
    threads,
  };
}
