// The sum over campaigns, and the file that it can be continued from: one line of JSON per finished campaign.
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { CampaignResult } from "./campaign.ts";
import { KINDS } from "./plan.ts";
import type { Kind } from "./plan.ts";

export interface Summary {
  faults: { total: number; byKind: Record<string, number>; byStage: Record<string, number> };
  /** Pairs of kind and stage that can meet, and those that have. */
  pairs: { met: number; possible: number };
  lost: number;
  doubled: number;
  digestEqual: boolean;
  recomputed: { pieces: number; steps: number };
  /** From SIGKILL of a worker to the next attempt of what it was at, on the same machine. */
  awaySeconds: { kills: number; p50: number | null; p95: number | null };
  seeds: number[];
  campaigns: number;
  problems: { seed: number; store: string; campaign: number; problem: string }[];
}

export class Results {
  readonly campaigns: CampaignResult[];
  private readonly file: string | undefined;

  /** Without a file nothing is kept. */
  constructor(file: string | undefined) {
    this.file = file;
    const lines = file !== undefined && existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
    // The last line of an interrupted run may be cut short: its campaign is run again.
    this.campaigns = lines.flatMap((line) => (line.endsWith("}") ? [JSON.parse(line) as CampaignResult] : []));
  }

  add(result: CampaignResult): void {
    this.campaigns.push(result);
    if (this.file === undefined) return;
    mkdirSync(dirname(this.file), { recursive: true });
    appendFileSync(this.file, `${JSON.stringify(result)}\n`);
  }

  has(seed: number, store: string, index: number): boolean {
    return this.campaigns.some((done) => done.seed === seed && done.store === store && done.index === index);
  }

  get landed(): number {
    return this.summary().faults.total;
  }

  summary(): Summary {
    const landed = this.campaigns.flatMap(({ store, faults }) => faults.filter((fault) => fault.landed).map((fault) => ({ ...fault, store })));
    const away = landed.flatMap(({ seen }) => (typeof seen["awaySeconds"] === "number" ? [seen["awaySeconds"]] : [])).sort((a, b) => a - b);
    const stores = [...new Set(this.campaigns.map(({ store }) => store))];
    const possible = stores.flatMap((store) => (Object.keys(KINDS) as Kind[]).flatMap((kind) => ((KINDS[kind].stores as readonly string[]).includes(store) ? KINDS[kind].stages : [])));
    return {
      faults: { total: landed.length, byKind: counted(landed.map(({ kind }) => kind)), byStage: counted(landed.map(({ stage }) => stage)) },
      pairs: { met: new Set(landed.map(({ kind, stage, store }) => `${store} ${kind} ${stage}`)).size, possible: possible.length },
      lost: sum(this.campaigns.map(({ lost }) => lost)),
      doubled: sum(this.campaigns.map(({ doubled }) => doubled)),
      digestEqual: this.campaigns.every(({ digestEqual }) => digestEqual),
      recomputed: { pieces: sum(this.campaigns.map(({ recomputed }) => recomputed.pieces)), steps: sum(this.campaigns.map(({ recomputed }) => recomputed.steps)) },
      awaySeconds: { kills: away.length, p50: quantile(away, 0.5), p95: quantile(away, 0.95) },
      seeds: [...new Set(this.campaigns.map(({ seed }) => seed))].sort((a, b) => a - b),
      campaigns: this.campaigns.length,
      problems: this.campaigns.flatMap(({ seed, store, index, problems }) => problems.map((problem) => ({ seed, store, campaign: index, problem }))),
    };
  }
}

/** Of sorted values, the nearest rank. */
const quantile = (sorted: readonly number[], share: number): number | null => sorted[Math.ceil(share * sorted.length) - 1] ?? null;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function counted(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of [...names].sort()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
