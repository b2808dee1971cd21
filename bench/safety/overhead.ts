// The cost of durability: runs in turn a campaign (Temporal's dev server, a worker, a directory) and the same
// work as plain function calls in one process. The weights must be equal, or there is no figure.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { WrittenSpec } from "../../campaign/spec/schema.ts";
import { shopCampaign } from "../../examples/shop/campaign.ts";
import { run } from "../../host/processes.mjs";
import { smallShop } from "../../test/support/small-shop.ts";
import { BenchError } from "../runner.ts";
import { median } from "../measure.ts";
import { runCampaign } from "./durable-run.ts";
import type { Durable } from "./durable-run.ts";
import type { PlainInput, PlainOutput } from "./plain.ts";

const PLAIN = fileURLToPath(new URL("./plain.js", import.meta.url));

/** The plain calls measure no reward model. */
const withoutAudit = ({ bootstrap, labels, ...spec }: WrittenSpec): WrittenSpec => ({
  ...spec,
  bootstrap: { ...bootstrap, labels: bootstrap?.labels && { ...bootstrap.labels, audit: 0 } },
  labels: labels && { ...labels, audit: 0 },
});

export const SPECS = {
  demo: () => withoutAudit(shopCampaign({ seed: 1, quick: false })),
  quick: () => withoutAudit(shopCampaign({ seed: 1, quick: true })),
  small: () => smallShop({ seed: 1 }),
};

export interface OverheadOptions {
  temporal: string;
  /**
   * demo: the demo without its baselines; quick: the demo's `--quick`; small: the tests' campaign, to try the
   * bench itself.
   */
  size: keyof typeof SPECS;
  repeats: number;
  threads: number;
  say(line: string): void;
}

export interface Overhead {
  size: string;
  iterations: number;
  repeats: number;
  threads: number;
  /** Wall time of the campaign over that of the plain calls, − 1: median, lowest and highest of the pairs. */
  ratio: [median: number, lowest: number, highest: number];
  /** Time that is neither compute nor the recipe's own arithmetic, as a share of the campaign's wall time. */
  share: [median: number, lowest: number, highest: number];
  /** The same in seconds per iteration, with the bootstrap as one iteration. */
  perIteration: [median: number, lowest: number, highest: number];
  durable: Durable[];
  plain: number[];
  /** Seconds of the recipe's own arithmetic in the plain calls. */
  arithmetic: number[];
  weights: Record<string, string>;
  machine: { cpu: string; cores: number };
  load: number;
  at: string;
}

export async function overhead(options: OverheadOptions): Promise<Overhead> {
  const { temporal, size, repeats, threads, say } = options;
  const load = loadavg()[0]!;
  const root = mkdtempSync(join(tmpdir(), "ratchet-overhead-"));
  const durable: Durable[] = [];
  const calls: PlainOutput[] = [];
  // One chain of stages: a baseline would run beside the iterations and hide the time between their
  // activities.
  const spec = { ...SPECS[size](), baselines: [] } as WrittenSpec;
  try {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const folder = join(root, String(repeat));
      mkdirSync(folder);
      const campaign = await runCampaign(folder, { spec, temporal, threads });
      const plain = await runPlain(campaign.input);
      refuseDifference(campaign.weights, plain.weights);
      durable.push(campaign.durable);
      calls.push(plain);
      rmSync(folder, { recursive: true, force: true });
      say(`${repeat + 1}/${repeats}: ${lineOf(campaign.durable)}, ${lineOfPlain(plain)}`);
    }
  } finally {
    rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
  const iterations = spec.iterations as number;
  return {
    size,
    iterations,
    repeats,
    threads,
    ...summary(durable, calls, iterations),
    machine: { cpu: cpus()[0]?.model.trim() ?? "unknown", cores: availableParallelism() },
    load,
    at: new Date().toISOString(),
  };
}

type Summary = "ratio" | "share" | "perIteration" | "durable" | "plain" | "arithmetic" | "weights";

/** Compares each campaign with the plain calls that ran after it. */
function summary(durable: Durable[], calls: PlainOutput[], iterations: number): Pick<Overhead, Summary> {
  const plain = calls.map(({ seconds }) => seconds);
  const arithmetic = calls.map((call) => call.arithmetic);
  const added = durable.map(({ inActivities, between }, pair) => inActivities + between - arithmetic[pair]!);
  return {
    ratio: spread(durable.map(({ wall }, pair) => wall / plain[pair]! - 1)),
    share: spread(durable.map(({ wall }, pair) => added[pair]! / wall)),
    perIteration: spread(added.map((seconds) => seconds / (iterations + 1))),
    durable,
    plain,
    arithmetic,
    weights: calls.at(-1)?.weights ?? {},
  };
}

const lineOf = ({ wall, compute, inActivities, between }: Durable): string => {
  const parts = [
    `compute ${compute.toFixed(1)}`,
    `in activities ${inActivities.toFixed(2)}`,
    `between ${between.toFixed(2)}`,
  ];
  return `campaign ${wall.toFixed(1)} s (${parts.join(", ")})`;
};
const lineOfPlain = ({ seconds, arithmetic }: PlainOutput): string =>
  `plain ${seconds.toFixed(1)} s (arithmetic ${arithmetic.toFixed(2)})`;

async function runPlain(input: PlainInput): Promise<PlainOutput> {
  const path = `${input.dir}.json`;
  writeFileSync(path, JSON.stringify(input));
  const { code, output } = await run(process.execPath, [PLAIN, path]);
  if (code !== 0) throw new BenchError(`the plain calls ended with exit code ${code}: ${output}`);
  return JSON.parse(output.trim().split("\n").at(-1) as string) as PlainOutput;
}

function refuseDifference(campaign: Record<string, string>, plain: Record<string, string>): void {
  const places = new Set([...Object.keys(campaign), ...Object.keys(plain)]);
  const other = [...places].filter((place) => campaign[place] !== plain[place]);
  if (places.size === 0) throw new BenchError("the campaign and the plain calls made no weights");
  if (other.length > 0)
    throw new BenchError(`the weights differ in ${other.join(", ")}: different work is not timed`);
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
  const settings = `${threads} threads, ${repeats} pairs, load ${load.toFixed(1)}`;
  const [middle, lowest, highest] = perIteration.map((seconds) => seconds.toFixed(2));
  const own = `of it ${median(arithmetic).toFixed(2)} the recipe's own arithmetic`;
  return [
    `${size}: bootstrap and ${iterations} iterations, ${settings}; weights equal in all places`,
    `campaign ${of("wall")} s, plain calls ${median(plain).toFixed(2)} s: ${percent(ratio)} more`,
    `durability: ${percent(share)} of the wall; ${middle} s an iteration (${lowest} to ${highest})`,
    `  in activities ${of("inActivities")} s (${kinds.join(", ")}; ${own}), between them ${of("between")} s`,
  ].join("\n");
}
