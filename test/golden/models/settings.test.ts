// One setting of a checkpoint or an adapter changed at a time: the engine computes what transformers and PEFT
// compute, or refuses. settings.py writes the files and describes their rows.
import assert from "node:assert/strict";
import { it } from "node:test";
import { isCoded } from "../../../errors/index.ts";
import { initAdapter, mergeAdapter, parseConfig } from "../../../engine/index.ts";
import type { Checkpoint } from "../../../engine/index.ts";
import { parseSettings } from "../../../engine/checkpoint/adapter-settings.ts";
import { checkShapes } from "../../../engine/checkpoint/check-shapes.ts";
import { adapterParameters } from "../../../engine/model/lora.ts";
import { isRewardModel } from "../../../engine/model/index.ts";
import { lastLogits, readGolden, rewardsOf, seededCheckpoint } from "./golden.ts";
import { seededWeight } from "./seeded.ts";

type Json = Record<string, unknown>;
type Row<Base extends unknown[]> = [...Base, change: Json, output: number | null];

interface Settings {
  ids: number[];
  bases: Record<string, Json>;
  rows: Row<[base: string]>[];
  outputs: number[][];
}

interface AdapterSettings {
  ids: number[];
  base: Json;
  adapter: Json;
  rows: Row<[]>[];
  outputs: number[][];
}

function changed(config: Json, change: Json): Json {
  const merged = Object.entries({ ...config, ...change });
  return Object.fromEntries(merged.filter(([, value]) => value !== "(removed)"));
}

/** The outputs of models with equal configurations and weights are computed once. */
function outputsOf(ids: readonly number[]): (checkpoint: Checkpoint, key: string) => Promise<number[]> {
  const known = new Map<string, Promise<number[]>>();
  const rows = [{ ids, promptLength: 1 }];
  return (checkpoint, key) => {
    const made =
      known.get(key) ??
      (isRewardModel(checkpoint.config)
        ? rewardsOf(checkpoint, rows)
        : lastLogits(checkpoint, rows).then((logits) => [...logits]));
    known.set(key, made);
    return made;
  };
}

/** The value, or undefined if it was refused with a code of ours. */
function unlessRefused<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    assert.ok(isCoded(error), `not a coded error: ${String((error as Error).stack)}`);
    return undefined;
  }
}

const equal = (a: readonly number[] | undefined, b: readonly number[] | undefined): boolean =>
  a?.length === b?.length && a!.every((x, index) => Math.abs(x - b![index]!) < 1e-4);

/**
 * transformers checks types more strictly than the engine. What it refuses, the engine may read as absent (it
 * then computes as without the change); null always means absent; and 1 is as good as 1.0.
 */
const isStricter = (change: Json): boolean =>
  JSON.stringify(change).includes("null") || Number.isInteger(change["rms_norm_eps"]);

class Tally {
  loaded = 0;
  readonly wrong: string[] = [];
  private readonly outputs: readonly number[][];

  constructor(outputs: readonly number[][]) {
    this.outputs = outputs;
  }

  /** `unchanged` and `output`: numbers of outputs. */
  add(change: Json, ours: readonly number[], output: number | null, unchanged: number): void {
    this.loaded++;
    const theirs = output === null ? undefined : this.outputs[output];
    const fine = theirs ? equal(ours, theirs) : isStricter(change) || equal(ours, this.outputs[unchanged]);
    if (!fine) this.wrong.push(`${JSON.stringify(change)}: ${theirs ? "other numbers" : "they refuse it"}`);
  }
}

it("every changed setting of config.json gives transformers' logits or a named refusal", async (context) => {
  const golden = await readGolden<Settings>("settings");
  const compute = outputsOf(golden.ids);
  const tally = new Tally(golden.outputs);
  for (const [name, base] of Object.entries(golden.bases)) {
    const { weights } = seededCheckpoint(parseConfig(base, name));
    const shapes = new Map([...weights].map(([of, { shape }]) => [of, shape]));
    const rows = golden.rows.filter(([of]) => of === name);
    for (const [, change, output] of rows) {
      const config = unlessRefused(() => {
        const parsed = parseConfig(changed(base, change), name);
        checkShapes(parsed, shapes, name);
        return parsed;
      });
      if (!config) continue;
      // Callers refuse rows longer than the model's context; transformers computes them. readCheckpoint
      // refuses a tied head that differs from the embedding.
      if (config.maxPositions < golden.ids.length) continue;
      if (config.tiedEmbeddings && weights.has("lm_head.weight")) continue;
      // Settings that no graph reads.
      const key = JSON.stringify({ name, ...config, bosId: 0, eosIds: 0, padId: 0, maxPositions: 0 });
      const ours = await compute({ config, weights }, key);
      tally.add({ [name]: 0, ...change }, ours, output, rows[0]![2]!);
    }
  }
  context.diagnostic(`${golden.rows.length} configurations, ${tally.loaded} of them loaded`);
  assert.deepEqual(tally.wrong, []);
});

it("every changed setting of an adapter gives PEFT's logits or a named refusal", async (context) => {
  const golden = await readGolden<AdapterSettings>("adapter-settings");
  const compute = outputsOf(golden.ids);
  const tally = new Tally(golden.outputs);
  const base = seededCheckpoint(parseConfig(golden.base, "base"));
  const settings = { rank: 2, alpha: 3, targets: ["q_proj", "up_proj"] } as const;
  const { weights } = initAdapter(base.config, settings, "0000000000000001");
  for (const [name, { shape }] of weights) weights.set(name, seededWeight(name, shape));
  for (const [change, output] of golden.rows) {
    const read = unlessRefused(() => {
      const parsed = parseSettings(changed(golden.adapter, change), "adapter_config.json");
      const needed = adapterParameters(base.config, parsed).flatMap(({ parts }) => parts);
      const same = needed.every(({ name, shape }) => weights.get(name)?.shape.join() === shape.join());
      return same && needed.length === weights.size ? parsed : undefined;
    });
    if (!read) continue;
    const ours = await compute(mergeAdapter(base, { settings: read, weights }), JSON.stringify(read));
    tally.add(change, ours, output, golden.rows[0]![1]!);
  }
  context.diagnostic(`${golden.rows.length} adapters, ${tally.loaded} of them loaded`);
  assert.deepEqual(tally.wrong, []);
});
