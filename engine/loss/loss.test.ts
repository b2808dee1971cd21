// Losses compared with values computed by hand.
import assert from "node:assert/strict";
import { it } from "node:test";
import { Graph } from "../graph/graph.ts";
import { Session } from "../graph/session.ts";
import { Tape } from "../ops/tape.ts";
import type { Value } from "../graph/value.ts";
import { ktoLoss, preferenceLoss, rewardLoss, sftLoss } from "./index.ts";
import type { Loss, PreferenceName, PreferenceSettings, PreferenceTerm } from "./index.ts";

type Inputs = Record<string, number[]>;

/** `dims`: the dimension of every input, or by name. */
async function evaluate(
  inputs: Inputs,
  build: (t: Tape, values: Record<string, Value>) => Loss,
  dims: string | Record<string, string>,
): Promise<Record<string, number>> {
  const t = new Tape(new Graph());
  const dimOf = (name: string): string => (typeof dims === "string" ? dims : dims[name]!);
  const values = Object.fromEntries(
    Object.keys(inputs).map((name) => [name, t.graph.input(name, "float32", [dimOf(name)])]),
  );
  const { loss, metrics } = build(t, values);
  t.graph.output("loss", loss);
  for (const [name, value] of Object.entries(metrics)) t.graph.output(name, value);
  const session = await Session.create(t.graph, { threads: 1 });
  const outputs = await session.run(
    Object.fromEntries(
      Object.entries(inputs).map(([name, data]) => [
        name,
        { dtype: "float32", shape: [data.length], data: Float32Array.from(data) },
      ]),
    ),
  );
  await session.close();
  return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, Number(tensor.data[0])]));
}

const near = (actual: number | undefined, expected: number, tolerance = 1e-5): void =>
  assert.ok(Math.abs((actual ?? NaN) - expected) < tolerance, `${actual} is not ${expected}`);

/** Loss and metrics of a sum of losses. */
function preference(
  inputs: { logps: number[]; reference?: number[]; tokens?: number[] },
  beta: number,
  terms: PreferenceTerm[],
): Promise<Record<string, number>> {
  const { logps, tokens = logps.map(() => 4) } = inputs;
  return evaluate(
    { ...inputs, logps, tokens },
    (t, x) =>
      preferenceLoss(t, { logps: x["logps"]!, tokens: x["tokens"]!, reference: x["reference"] }, beta, terms),
    "2*B",
  );
}

const sigmoid: PreferenceTerm = { type: "sigmoid", weight: 1 };
const { LN2 } = Math;
/** ln σ(x) */
const logSigmoid = (x: number): number => -Math.log1p(Math.exp(-x));

/**
 * Loss at β = 0.1 of a policy that equals its reference. `sft` and the losses without a reference have no
 * such value.
 */
const atReference: {
  [K in Exclude<PreferenceName, "sft" | "simpo" | "orpo">]: [PreferenceSettings[K], number];
} = {
  sigmoid: [{}, LN2],
  cdpo: [{ labelSmoothing: 0.1 }, LN2],
  robust: [{ labelSmoothing: 0.1 }, LN2],
  exo_pair: [{ labelSmoothing: 1e-3 }, 2.7612],
  hinge: [{}, 1],
  ipo: [{}, 25],
  sigmoid_norm: [{}, LN2],
  // Answers of 3 and 5 tokens: −ln σ(0.05 · (3 − 5)).
  rdpo: [{ lengthWeight: 0.05 }, -logSigmoid(-0.1)],
  nca_pair: [{}, 2 * LN2],
  bco_pair: [{}, 2 * LN2],
  sppo_hard: [{}, 50],
  aot: [{ labelSmoothing: 0.1 }, LN2],
  aot_unpaired: [{ labelSmoothing: 0.1 }, LN2],
  apo_zero: [{}, 1],
  apo_down: [{}, 1],
  discopop: [{ tau: 0.05 }, (LN2 + 1) / 2],
};
for (const [type, [settings, expected]] of Object.entries(atReference)) {
  it(`${type} of a policy that is its own reference is ${expected.toFixed(4)}`, async () => {
    const logps = [-3, -8, -5, -1];
    const values = await preference({ logps, reference: logps, tokens: [3, 3, 5, 5] }, 0.1, [
      { type, ...settings, weight: 1 } as PreferenceTerm,
    ]);
    near(values["loss"], expected, 5e-5);
  });
}

it("a policy that is its own reference has rewards and accuracy 0", async () => {
  const logps = [-3, -8, -5, -1];
  const values = await preference({ logps, reference: logps }, 0.1, [sigmoid]);
  for (const name of ["rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies"])
    assert.equal(values[name], 0, name);
  near(values["logps/chosen"], -5.5);
  near(values["logps/rejected"], -3);
});

it("rewards are β times the log-ratios, accuracy is the share of positive margins", async () => {
  for (const term of [sigmoid, { type: "ipo", weight: 1 } as const]) {
    const values = await preference({ logps: [-1, -2, -5, -3], reference: [-2, -2, -4, -6] }, 0.5, [term]);
    // Log-ratios: chosen 1 and 0, rejected −1 and 3; margins at β = 0.5: 1 and −1.5.
    near(values["rewards/chosen"], 0.25);
    near(values["rewards/rejected"], 0.5);
    near(values["rewards/margins"], -0.25);
    near(values["rewards/accuracies"], 0.5);
  }
});

it("losses with weights add up: sigmoid with a share of sft is RPO", async () => {
  const inputs = { logps: [-1, -2, -5, -3], reference: [-2, -2, -4, -6], tokens: [2, 4, 3, 3] };
  const [alone, sft, both] = await Promise.all(
    [[sigmoid], [{ type: "sft", weight: 1 } as const], [sigmoid, { type: "sft", weight: 0.2 } as const]].map(
      (terms) => preference(inputs, 0.5, terms),
    ),
  );
  near(alone!["loss"], (-logSigmoid(1) - logSigmoid(-1.5)) / 2);
  near(sft!["loss"], 3 / 6);
  near(both!["loss"], alone!["loss"]! + 0.1);
});

it("SimPO and ORPO use no reference: rewards are β times the mean log-probability of a token", async () => {
  const inputs = { logps: [-1, -2, -5, -3], tokens: [2, 4, 5, 2] };
  const simpo = await preference(inputs, 2, [{ type: "simpo", gamma: 0.5, weight: 1 }]);
  // Means per token: chosen −0.5 and −0.5, rejected −1 and −1.5.
  near(simpo["loss"], (-logSigmoid(2 * 0.5 - 0.5) - logSigmoid(2 * 1 - 0.5)) / 2);
  near(simpo["rewards/chosen"], -1);
  near(simpo["logps/rejected"], -1.25);
  const logOdds = (logp: number): number => logp - Math.log1p(-Math.exp(logp));
  const orpo = await preference(inputs, 0.1, [{ type: "orpo", weight: 1 }]);
  near(
    orpo["loss"],
    3 / 6 - 0.05 * (logSigmoid(logOdds(-0.5) - logOdds(-1)) + logSigmoid(logOdds(-0.5) - logOdds(-1.5))),
  );
});

it("the odds of ORPO are exact if an answer has a probability near 1", async () => {
  const { loss } = await preference({ logps: [-1e-6, -2e-6], tokens: [1, 1] }, 1, [
    { type: "orpo", weight: 1 },
  ]);
  near(loss, 1e-6 - logSigmoid(Math.LN2), 1e-6);
});

const kto = (inputs: Inputs): Promise<Record<string, number>> =>
  evaluate(
    inputs,
    (t, x) =>
      ktoLoss(
        t,
        { logps: x["logps"]!, reference: x["reference"]!, desirable: x["desirable"]! },
        { beta: 0.5, desirableWeight: 1, undesirableWeight: 2 },
      ),
    { logps: "2*B", reference: "2*B", desirable: "B" },
  );

it("KTO compares each answer's gain with the batch's, which is never negative", async () => {
  const sigma = (x: number): number => 1 / (1 + Math.exp(-x));
  // Log-ratios of the rows 1 and −2; of the mismatched answers 1 and 2, then −1 and −3.
  const above = await kto({ logps: [-1, -5, -2, -2], reference: [-2, -3, -3, -4], desirable: [1, 0] });
  near(above["kl"], 1.5);
  near(above["loss"], (1 - sigma(0.5 * (1 - 1.5)) + 2 * (1 - sigma(0.5 * (1.5 + 2)))) / 2);
  near(above["rewards/chosen"], 0.5);
  near(above["rewards/rejected"], -1);
  near(above["rewards/margins"], 1.5);
  const below = await kto({ logps: [-1, -5, -2, -2], reference: [-2, -3, -1, 1], desirable: [1, 0] });
  near(below["kl"], 0);
  near(below["loss"], (1 - sigma(0.5) + 2 * (1 - sigma(1))) / 2);
});

it("KTO of a policy that is its own reference is half of each answer's weight", async () => {
  const { loss } = await kto({ logps: [-1, -5, -2, -2], reference: [-1, -5, -2, -2], desirable: [1, 0] });
  near(loss, (0.5 + 1) / 2);
});

it("the Bradley-Terry loss of equal rewards is ln 2", async () => {
  const values = await evaluate({ rewards: [1, 2, 1, 2] }, (t, x) => rewardLoss(t, x["rewards"]!), "2*B");
  near(values["loss"], LN2);
  near(values["accuracy"], 0);
  near(values["mean_reward"], 1.5);
  near(values["min_reward"], 1);
  near(values["max_reward"], 2);
});

it("the Bradley-Terry loss is −ln σ of the margin, also if e to the margin overflows", async () => {
  const values = await evaluate(
    { rewards: [200, -50, 0, 50] },
    (t, x) => rewardLoss(t, x["rewards"]!),
    "2*B",
  );
  near(values["loss"], 50);
  near(values["accuracy"], 0.5);
  near(values["margin"], 50);
});

it("a margin is subtracted from the difference; centering adds the square of the sum", async () => {
  const values = await evaluate(
    { rewards: [2, 1, 0, 1], margins: [1, 0.5] },
    (t, x) => rewardLoss(t, x["rewards"]!, { margin: x["margins"]!, centering: 0.01 }),
    { rewards: "2*B", margins: "B" },
  );
  near(values["loss"], (-logSigmoid(1) - logSigmoid(-0.5)) / 2 + 0.01 * 4);
  near(values["margin"], 1);
});

it("SFT is the mean over tokens of −ln p", async () => {
  const values = await evaluate(
    { logps: [-1, -2, -6], entropies: [1, 2, 0], hits: [1, 0, 1] },
    (t, x) => sftLoss(t, x["logps"]!, { entropy: x["entropies"]!, top1: x["hits"]! }),
    "M",
  );
  near(values["loss"], 3);
  near(values["mean_token_accuracy"], 2 / 3);
});
