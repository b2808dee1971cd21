import assert from "node:assert/strict";
import { it } from "node:test";
import { rows } from "./rows.ts";
import { shapes } from "./sizes.ts";

/** Peers, target and aim that docs/bench.md promises, by kind of row. */
const promised: Record<
  string,
  { peers: string[]; target: number; aim: number; shareAim?: number; better?: "lower" }
> = {
  "dpo-step": { peers: ["PyTorch"], target: 1, aim: 1, shareAim: 0.85 },
  "dpo-epoch": { peers: ["TRL"], target: 1.5, aim: 2.5 },
  "reward-epoch": { peers: ["TRL"], target: 1.2, aim: 2 },
  "sft-epoch": { peers: ["TRL"], target: 1.2, aim: 2 },
  "decode-1": { peers: ["transformers", "llama.cpp"], target: 1, aim: 1.3 },
  decode: { peers: ["transformers", "llama.cpp"], target: 1.5, aim: 2.5 },
  sampling: { peers: ["transformers", "llama.cpp"], target: 2, aim: 4 },
  score: { peers: ["transformers"], target: 1.2, aim: 2 },
  iteration: { peers: ["TRL script"], target: 2, aim: 4 },
  memory: { peers: ["PyTorch memory"], target: 1.5, aim: 1, better: "lower" },
};

const sizes = Object.keys(shapes);
const small = ["0.9M", "3.4M"];

interface Named {
  kind: string;
  size: string;
  /** Sequence length of a step, batch size of decoding. */
  number: number;
}

function named(name: string): Named {
  const { kind, size, number } = /^(?<kind>[a-z-]+)-(?<size>[\d.]+M)(-(?<number>\d+))?$/.exec(name)!
    .groups as Record<string, string>;
  return { kind: kind!, size: size!, number: Number(number) };
}

const of = (kind: string, size: string): Named[] =>
  rows.map(({ name }) => named(name)).filter((row) => row.kind === kind && row.size === size);

it("every row has the promised peers, target and aim", () => {
  for (const row of rows) {
    const { kind, number } = named(row.name);
    const { better = "higher", ...rest } = promised[kind === "decode" && number === 1 ? "decode-1" : kind]!;
    const { peers, target, aim, shareAim } = row;
    assert.deepEqual({ shareAim, peers, target, aim }, { shareAim: undefined, ...rest }, row.name);
    assert.equal(row.better, better, row.name);
  }
});

it("small sizes are in every kind of row, large ones in steps, decoding and memory; names are unique", () => {
  for (const kind of Object.keys(promised)) {
    if (kind === "decode-1") continue;
    const wanted = ["dpo-step", "decode", "memory"].includes(kind) ? sizes : small;
    assert.deepEqual(
      sizes.filter((size) => of(kind, size).length > 0),
      wanted,
      kind,
    );
  }
  assert.equal(new Set(rows.map(({ name }) => name)).size, rows.length);
});

it("steps have two lengths from 64 to 512 (one at 135M); decoding has batches 1, 8, 32 and 128", () => {
  for (const size of sizes) {
    const lengths = of("dpo-step", size).map(({ number }) => number);
    assert.ok(
      lengths.length >= (size === "135M" ? 1 : 2) && lengths.every((length) => length >= 64 && length <= 512),
      `${size}: ${lengths}`,
    );
    assert.deepEqual(
      of("decode", size).map(({ number }) => number),
      [1, 8, 32, 128],
    );
  }
});

it("rows have the promised sizes: 4,096 completions, 64 prompts × 8, two epochs in an iteration", () => {
  const sizeOf = (kind: string): string[] =>
    rows.filter(({ name }) => named(name).kind === kind).map(({ size }) => size);
  assert.deepEqual(
    sizeOf("score"),
    small.map((size) => `${size}, 4096 completions`),
  );
  assert.deepEqual(
    sizeOf("sampling"),
    small.map((size) => `${size}, 64 prompts × 8`),
  );
  assert.deepEqual(
    sizeOf("iteration"),
    small.map((size) => `${size}, 64 prompts × 8, 2 epochs of DPO`),
  );
});
