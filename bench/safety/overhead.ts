// What durability costs: a campaign on a tree of its own (Temporal's dev server, a worker, a directory) and the same work as plain function
// calls in one process, in turn. Weights must be equal, or the figure is refused.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
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
import { freePort } from "../../dev/ports.ts";
import { shopCampaign } from "../../examples/shop/campaign.ts";
import { run } from "../../host/processes.mjs";
import type { Store } from "../../store/types.ts";
import { smallShop } from "../../test/support/small-shop.ts";
import { BenchError } from "../runner.ts";
import { median } from "../measure.ts";
import type { PlainInput, PlainOutput } from "./plain.ts";
import { beyond, covered, SPANS_VARIABLE } from "./spans.ts";
import type { Span } from "./spans.ts";

export const SPECS = {
  demo: () => shopCampaign({ seed: 1, quick: false }),
  quick: () => shopCampaign({ seed: 1, quick: true }),
  small: () => smallShop({ seed: 1 }),
};

export interface OverheadOptions {
  temporal: string;
  /** demo: the whole demo without its baselines; quick: its `--quick`; small: what the tests run, to try the bench itself. */
  size: keyof typeof SPECS;
  repeats: number;
  threads: number;
  say(line: string): void;
}

/** One campaign, in seconds. `wall` is from the start of its workflow to its close. */
interface Durable {
  wall: number;
  /** Calls of the engine and of modules. */
  compute: number;
  /** The rest of the activities: store, hashing, syncing, manifests, cache, and the recipe's own arithmetic, which the plain calls tell. */
  inActivities: number;
  /** No activity ran: Temporal, workflow tasks, queues. */
  between: number;
  /** Of each kind of activity: how many, and their share of `inActivities`. */
  activities: Record<string, { count: number; seconds: number }>;
}

export interface Overhead {
  size: string;
  iterations: number;
  repeats: number;
  threads: number;
  /** Wall of the campaign over that of the plain calls, −1: median, lowest and highest of the pairs. */
  ratio: [median: number, lowest: number, highest: number];
  /** All that is neither compute nor the recipe's own arithmetic, over the campaign's wall. */
  share: [median: number, lowest: number, highest: number];
  /** The same in seconds, by iteration, the bootstrap counted as one. */
  perIteration: [median: number, lowest: number, highest: number];
  durable: Durable[];
  plain: number[];
  /** The recipe's own, in the plain calls. */
  arithmetic: number[];
  weights: Record<string, string>;
  machine: { cpu: string; cores: number };
  load: number;
  at: string;
}

const CAMPAIGN = "overhead";
const SHOP_DIR = fileURLToPath(new URL("../../../examples/shop/", import.meta.url));
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

export async function overhead(options: OverheadOptions): Promise<Overhead> {
  const { size, repeats, threads, say } = options;
  const load = loadavg()[0]!;
  const root = mkdtempSync(join(tmpdir(), "ratchet-overhead-"));
  const durable: Durable[] = [];
  const plain: number[] = [];
  const arithmetic: number[] = [];
  let weights: Record<string, string> = {};
  try {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const folder = join(root, String(repeat));
      mkdirSync(folder);
      const campaign = await runCampaign(folder, options);
      const calls = await runPlain(campaign.input);
      refuseDifference(campaign.weights, calls.weights);
      durable.push(campaign.durable);
      plain.push(calls.seconds);
      arithmetic.push(calls.arithmetic);
      weights = calls.weights;
      rmSync(folder, { recursive: true, force: true });
      const { wall, compute, inActivities, between } = campaign.durable;
      say(
        `${repeat + 1}/${repeats}: campaign ${wall.toFixed(1)} s (compute ${compute.toFixed(1)}, in activities ${inActivities.toFixed(2)}, between ${between.toFixed(2)}), plain ${calls.seconds.toFixed(1)} s (arithmetic ${calls.arithmetic.toFixed(2)})`,
      );
    }
  } finally {
    rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
  const { iterations } = specOf(size);
  const added = durable.map(({ inActivities, between }, pair) => inActivities + between - arithmetic[pair]!);
  return {
    size,
    iterations: iterations as number,
    repeats,
    threads,
    ratio: spread(durable.map(({ wall }, pair) => wall / plain[pair]! - 1)),
    share: spread(durable.map(({ wall }, pair) => added[pair]! / wall)),
    perIteration: spread(added.map((seconds) => seconds / ((iterations as number) + 1))),
    durable,
    plain,
    arithmetic,
    weights,
    machine: { cpu: cpus()[0]?.model.trim() ?? "unknown", cores: availableParallelism() },
    load,
    at: new Date().toISOString(),
  };
}

/** One chain of stages: a baseline would run beside the iterations and hide what lies between their activities. */
const specOf = (size: OverheadOptions["size"]): WrittenSpec =>
  ({ ...SPECS[size](), baselines: [] }) as WrittenSpec;

interface Campaign {
  durable: Durable;
  weights: Record<string, string>;
  input: PlainInput;
}

async function runCampaign(folder: string, { temporal, size, threads }: OverheadOptions): Promise<Campaign> {
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
    worker: here("./worker.js"),
    env,
    report: () => undefined,
  });
  const client = await RatchetClient.connect({
    store: storeName,
    temporal: { address: tree.address, namespace: tree.namespace, connection: {}, identity: tree.serverId },
  });
  try {
    const written = specOf(size);
    const { specDigest } = await client.start(
      { spec: resolveSpec(written), written, file: "campaign.ts", baseDir: SHOP_DIR },
      { campaignId: CAMPAIGN },
    );
    const outcome = await client.wait(CAMPAIGN);
    if (outcome?.status !== "completed")
      throw new BenchError(
        `the campaign ended ${outcome?.status ?? "without a word"}: ${outcome?.failure?.message ?? ""}`,
      );
    const [fromMs, toMs] = await workflowTimes(tree);
    await tree.drain();
    const spans = readFileSync(spansPath, "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Span);
    return {
      durable: account(spans, fromMs, toMs),
      weights: await weightsIn(client.store),
      input: await plainInput(client.store, specDigest, folder, threads),
    };
  } finally {
    await client.close();
    await tree.stop();
  }
}

/** From the start of the campaign's workflow to its close, by the server's clock, which is this machine's. */
async function workflowTimes({
  address,
  namespace,
}: {
  address: string;
  namespace: string;
}): Promise<[fromMs: number, toMs: number]> {
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

/** What the campaign read, laid out for the plain calls. Not timed on either side. */
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
  const { preferences, iterations, validation, test } = spec.prompts;
  const policy = join(folder, "policy");
  await store.getTree(spec.policy.tree, policy);
  const prompts = {
    preferences: await rows(preferences),
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

async function runPlain(input: PlainInput): Promise<PlainOutput> {
  const path = `${input.dir}.json`;
  writeFileSync(path, JSON.stringify(input));
  const { code, output } = await run(process.execPath, [here("./plain.js"), path]);
  if (code !== 0) throw new BenchError(`the plain calls ended with exit code ${code}: ${output}`);
  return JSON.parse(output.trim().split("\n").at(-1) as string) as PlainOutput;
}

function refuseDifference(campaign: Record<string, string>, plain: Record<string, string>): void {
  const places = new Set([...Object.keys(campaign), ...Object.keys(plain)]);
  const other = [...places].filter((place) => campaign[place] !== plain[place]);
  if (places.size === 0 || other.length > 0)
    throw new BenchError(
      `the campaign and the plain calls made other weights in ${other.join(", ") || "no place at all"}: different work is not timed`,
    );
}

const spread = (values: number[]): [number, number, number] => [
  median(values),
  Math.min(...values),
  Math.max(...values),
];

export function formatOverhead({
  size,
  repeats,
  threads,
  iterations,
  ratio,
  share,
  perIteration,
  durable,
  plain,
  arithmetic,
  load,
}: Overhead): string {
  const percent = ([middle, lowest, highest]: [number, number, number]): string =>
    `${(100 * middle).toFixed(1)} % (${(100 * lowest).toFixed(1)} to ${(100 * highest).toFixed(1)})`;
  const of = (name: "wall" | "inActivities" | "between"): string =>
    median(durable.map((one) => one[name])).toFixed(2);
  const kinds = Object.entries(durable[0]!.activities).map(
    ([name, { count }]) =>
      `${count} ${name} ${median(durable.map((one) => one.activities[name]?.seconds ?? 0)).toFixed(2)}`,
  );
  return [
    `${size}: bootstrap and ${iterations} iterations, ${threads} threads, ${repeats} pairs, load ${load.toFixed(1)}; weights equal in all places`,
    `campaign ${of("wall")} s, plain calls ${median(plain).toFixed(2)} s: ${percent(ratio)} more`,
    `durability: ${percent(share)} of the wall; ${perIteration[0].toFixed(2)} s an iteration (${perIteration[1].toFixed(2)} to ${perIteration[2].toFixed(2)})`,
    `  in activities ${of("inActivities")} s (${kinds.join(", ")}; of it ${median(arithmetic).toFixed(2)} the recipe's own arithmetic), between them ${of("between")} s`,
  ].join("\n");
}
