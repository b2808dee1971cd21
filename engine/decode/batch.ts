// One batch while it is generated: its requests, the rows that have not ended, and the tokens drawn so far.
import { RatchetError } from "../../errors/index.ts";
import type { ModelConfig } from "../model/index.ts";
import { Random } from "../random.ts";
import type { Sampler, SamplingRule } from "../sampling/sample.ts";
import type { Cache } from "./cache.ts";

export interface DecodeRow {
  promptIds: readonly number[];
  temperature: number;
  /** 16 hex digits. */
  seed: string;
  /** Ids that end the answer. */
  eosIds?: ReadonlySet<number>;
  /** Names the row in errors. */
  name?: string;
}

export interface DecodeSettings extends Omit<SamplingRule, "temperature"> {
  maxTokens: number;
  /** Whether the last of `ids` ends the answer for another reason. */
  stopped?(promptIds: readonly number[], ids: readonly number[]): boolean;
}

export interface DecodedRow {
  ids: number[];
  /** ln π(id) under the untempered policy. */
  logps: number[];
  /** `stop`: `stopped` returned true. */
  finish: "eos" | "stop" | "length";
}

export interface DecodeHooks {
  signal?: AbortSignal;
  /** Called between steps with the number of finished rows and of drawn tokens. */
  onProgress?(done: number, tokens: number): void;
}

const NO_IDS: ReadonlySet<number> = new Set();

/** A row while it is generated. */
interface Live {
  out: DecodedRow;
  name: string;
  promptIds: readonly number[];
  rule: SamplingRule;
  eosIds: ReadonlySet<number>;
  random: Random;
  /** Number of tokens that it may still draw. */
  left: number;
}

export class Batch {
  readonly results: DecodedRow[];
  /** Distinct prompts. */
  readonly distinct: (readonly number[])[] = [];
  /** Each row's index in `distinct`. */
  readonly sourceOf: number[];
  /** Last token of each live row. */
  tokens: number[] = [];
  logps: Float32Array = new Float32Array(0);
  /** Row of `logps` for each live row; undefined = the same index. */
  logpsRow: number[] | undefined;
  private readonly live: Live[];
  private readonly vocabSize: number;
  private readonly sampler: Sampler;
  private readonly cache: Cache;
  private readonly settings: DecodeSettings;
  private readonly hooks: DecodeHooks;
  private drawn = 0;

  constructor(
    config: ModelConfig,
    sampler: Sampler,
    cache: Cache,
    rows: readonly DecodeRow[],
    settings: DecodeSettings,
    hooks: DecodeHooks,
  ) {
    this.vocabSize = config.vocabSize;
    this.sampler = sampler;
    this.cache = cache;
    this.settings = settings;
    this.hooks = hooks;
    this.results = rows.map(() => ({ ids: [], logps: [], finish: "length" as const }));
    this.live = rows.map((row, index) => ({
      out: this.results[index]!,
      name: row.name ?? `row ${index}`,
      promptIds: row.promptIds,
      rule: { temperature: row.temperature, topK: settings.topK, topP: settings.topP, minP: settings.minP },
      eosIds: row.eosIds ?? NO_IDS,
      random: new Random(row.seed),
      left: Math.min(settings.maxTokens, config.maxPositions - row.promptIds.length),
    }));
    const known = new Map<string, number>();
    this.sourceOf = rows.map(({ promptIds }) => {
      const key = promptIds.join();
      const source = known.get(key) ?? this.distinct.push(promptIds) - 1;
      known.set(key, source);
      return source;
    });
    cache.begin(rows.map((row) => row.promptIds.length));
  }

  /** The work in progress, for errors. */
  get doing(): string {
    const longest = this.live.reduce((one, other) => (length(other) > length(one) ? other : one));
    const tokens = length(longest);
    return `generating ${this.live.length} rows at once, the longest of ${tokens} tokens (${longest.name})`;
  }

  /** Draws one token per live row and removes the rows that ended. Returns false if none is left. */
  draw(): boolean {
    const { live, cache } = this;
    this.tokens = live.map((row, index) => {
      const offset = (this.logpsRow?.[index] ?? index) * this.vocabSize;
      const id = this.sampler.draw(this.logps, offset, row.rule, row.random, row.out.ids.length);
      const logp = this.logps[offset + id]!;
      if (Number.isNaN(logp))
        throw new RatchetError(
          "logits_not_finite",
          `the policy's logits are not finite for token ${row.out.ids.length} of ${row.name}`,
          { hint: "training diverged; look at the loss curve of its iteration" },
        );
      row.out.ids.push(id);
      row.out.logps.push(logp);
      row.left--;
      return id;
    });
    this.drawn += live.length;
    // From the end on, so the row that moves into a gap has already been checked.
    for (let index = live.length - 1; index >= 0; index--) {
      const row = live[index]!;
      if (row.eosIds.has(this.tokens[index]!)) row.out.finish = "eos";
      else if (this.settings.stopped?.(row.promptIds, row.out.ids)) row.out.finish = "stop";
      else if (row.left > 0) continue;
      cache.remove(index);
      moveLastTo(live, index);
      moveLastTo(this.tokens, index);
    }
    this.hooks.onProgress?.(this.results.length - live.length, this.drawn);
    return live.length > 0;
  }
}

const length = ({ promptIds, out }: Live): number => promptIds.length + out.ids.length;

function moveLastTo<T>(list: T[], index: number): void {
  const last = list.pop() as T;
  if (index < list.length) list[index] = last;
}
