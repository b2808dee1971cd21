// Adds up the campaigns; `npm run chaos` prints the result.
import { pairName, possiblePairs } from "./pairs.ts";
import type { Kind, Pair, StoreKind } from "./pairs.ts";
import type { Row } from "./results.ts";

export interface Summary {
  faults: { total: number; byKind: Record<string, number>; byStage: Record<string, number> };
  /** Possible pairs of kind and stage on the stores in use: how many landed (`met`), and which did not. */
  pairs: { met: number; possible: number; unmet: string[] };
  lost: number;
  doubled: number;
  digestEqual: boolean;
  recomputed: { pieces: number; steps: number };
  /**
   * From SIGKILL of a worker to the first new piece, checkpoint or result of the interrupted activity. On the
   * same machine the next worker fails the attempt at once; on another machine the heartbeat timeout has to
   * pass first.
   */
  recoverySeconds: { sameMachine: Spread; otherMachine: Spread };
  seeds: number[];
  campaigns: number;
  /** Commits of the code that ran the campaigns. */
  commits: string[];
  problems: { seed: number; store: string; campaign: number; problem: string; replay: string }[];
}

/** Unmet pairs that the table names. */
const SHOWN = 40;

interface Spread {
  kills: number;
  p50: number | null;
  p95: number | null;
}

/** `asked`: the pairs that the run was restricted to; by default all possible pairs of a store. */
export function summarize(
  rows: readonly Row[],
  asked: (store: StoreKind) => readonly Pair[] = possiblePairs,
): Summary {
  const landed = rows.flatMap(({ store, faults }) =>
    faults.filter((fault) => fault.landed).map((fault) => ({ ...fault, store })),
  );
  const recovery = (of: Kind): Spread =>
    spread(
      landed.flatMap(({ kind, seen }) =>
        kind === of && typeof seen["recoverySeconds"] === "number" ? [seen["recoverySeconds"]] : [],
      ),
    );
  const stores = [...new Set(rows.map(({ store }) => store))];
  const possible = stores.flatMap((store) => asked(store).map((pair) => `${store} ${pairName(pair)}`));
  const met = new Set(landed.map(({ store, ...pair }) => `${store} ${pairName(pair)}`));
  const unmet = possible.filter((name) => !met.has(name));
  return {
    faults: {
      total: landed.length,
      byKind: counted(landed.map(({ kind }) => kind)),
      byStage: counted(landed.map(({ stage }) => stage)),
    },
    pairs: { met: possible.length - unmet.length, possible: possible.length, unmet },
    lost: sum(rows.map(({ lost }) => lost)),
    doubled: sum(rows.map(({ doubled }) => doubled)),
    digestEqual: rows.every(({ digestEqual }) => digestEqual),
    recomputed: {
      pieces: sum(rows.map(({ recomputed }) => recomputed.pieces)),
      steps: sum(rows.map(({ recomputed }) => recomputed.steps)),
    },
    recoverySeconds: { sameMachine: recovery("worker-kill"), otherMachine: recovery("machine-kill") },
    seeds: [...new Set(rows.map(({ seed }) => seed))].sort((a, b) => a - b),
    campaigns: rows.length,
    commits: [...new Set(rows.map(({ code }) => code.commit ?? "unknown"))],
    problems: rows.flatMap(({ seed, store, index, problems, replay }) =>
      problems.map((problem) => ({ seed, store, campaign: index, problem, replay })),
    ),
  };
}

export function table({
  faults,
  pairs,
  lost,
  doubled,
  digestEqual,
  recomputed,
  recoverySeconds,
  campaigns,
  commits,
  problems,
  seeds,
}: Summary): string {
  const counts = (of: Record<string, number>): string =>
    Object.entries(of)
      .map(([name, count]) => `  ${name.padEnd(20)} ${count}`)
      .join("\n");
  const unmet = pairs.unmet.length > 0 ? `; not yet: ${few(pairs.unmet)}` : "";
  const again = `computed again: ${recomputed.pieces} pieces, ${recomputed.steps} steps`;
  const [sameMachine, otherMachine] = [recoverySeconds.sameMachine, recoverySeconds.otherMachine].map(
    recovery,
  );
  const source = `seeds ${seeds.join(", ")}, commit ${commits.join(", ")}`;
  return [
    `${faults.total} faults landed in ${campaigns} campaigns, ${source}`,
    counts(faults.byKind),
    "by stage",
    counts(faults.byStage),
    `${pairs.met} of ${pairs.possible} pairs of kind and stage${unmet}`,
    `lost ${lost}, doubled ${doubled}, digests equal: ${digestEqual}, ${again}`,
    `from kill to new work: ${sameMachine} on the same machine, ${otherMachine} on another`,
    ...problems.map(
      ({ seed, store, campaign, problem, replay }) =>
        `BROKEN seed ${seed} on ${store}, campaign ${campaign}: ${problem}\n       again: ${replay}`,
    ),
    "",
  ].join("\n");
}

/** The first names; the JSON has all. */
const few = (names: readonly string[]): string =>
  names.length > SHOWN
    ? `${names.slice(0, SHOWN).join(", ")} and ${names.length - SHOWN} more`
    : names.join(", ");

const recovery = ({ kills, p50, p95 }: Spread): string =>
  `${p50 ?? "-"} s (median), ${p95 ?? "-"} s (95 %) of ${kills}`;

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { kills: sorted.length, p50: quantile(sorted, 0.5), p95: quantile(sorted, 0.95) };
}

/** Nearest-rank quantile of sorted values. */
const quantile = (sorted: readonly number[], share: number): number | null =>
  sorted[Math.ceil(share * sorted.length) - 1] ?? null;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function counted(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
