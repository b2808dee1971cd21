import assert from "node:assert/strict";
import { it } from "node:test";
import { formatTable, verdict } from "./result.ts";
import type { Result } from "./result.ts";

const speed = { target: 1.5, aim: 2.5, better: "higher" } as const;
const memory = { target: 1.5, aim: 1, better: "lower" } as const;
const step = { target: 1, aim: 1, shareAim: 0.85, better: "higher" } as const;

it("compares a ratio with target and aim; for memory a smaller ratio is better", () => {
  assert.deepEqual(
    [1.49, 1.5, 2.49, 2.5].map((ratio) => verdict({ ...speed, ratio })),
    ["below", "target", "target", "aim"],
  );
  assert.deepEqual(
    [1.51, 1.5, 1.01, 1].map((ratio) => verdict({ ...memory, ratio })),
    ["below", "target", "target", "aim"],
  );
});

it("a dense step's aim also needs a share of a large product's rate", () => {
  assert.equal(verdict({ ...step, ratio: 1.3, matmulShare: { Ratchet: 0.84, PyTorch: 0.9 } }), "target");
  assert.equal(verdict({ ...step, ratio: 1.3, matmulShare: { Ratchet: 0.86 } }), "aim");
  assert.equal(verdict({ ...step, ratio: 0.9, matmulShare: { Ratchet: 0.86 } }), "below");
  assert.equal(verdict({ ...step, ratio: 1.3 }), "target");
});

it("the table has ratio, spread, verdict, best peer and missing peers", () => {
  const result: Result = {
    ...step,
    row: "dpo-step-0.9M-64",
    work: "DPO step",
    size: "0.9M",
    ratio: 1.234,
    median: { Ratchet: 20000, PyTorch: 16200 },
    unit: "tokens/s",
    spread: [1.2, 1.31],
    peer: "PyTorch",
    missing: { "llama.cpp": "not installed" },
    variants: {},
    matmulShare: { Ratchet: 0.7, PyTorch: 0.57 },
    versions: {},
    machine: { cpu: "", cores: 2, threads: 2 },
    load: 0.4,
    repeats: 5,
    seconds: 40,
    samples: {},
    at: "",
  };
  const [, line] = formatTable([result]).split("\n");
  assert.deepEqual(line!.split(/ {2,}/), [
    "dpo-step-0.9M-64",
    "1.23×",
    "1.20–1.31",
    "1×",
    "85 % of MatMul",
    "target",
    "20,000 tokens/s",
    "PyTorch 16,200",
    "0.4",
    "no llama.cpp, of MatMul's rate: Ratchet 70 %, PyTorch 57 %",
  ]);
});
