// Losses against values that follow by hand.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Graph } from "../graph/graph.ts";
import { Session } from "../graph/session.ts";
import { Tape } from "../ops/tape.ts";
import type { Value } from "../graph/value.ts";
import { dpoLoss, rewardLoss, sftLoss } from "./index.ts";
import type { Loss } from "./index.ts";

async function evaluate(inputs: Record<string, number[]>, build: (t: Tape, values: Record<string, Value>) => Loss, dims: string): Promise<Record<string, number>> {
  const t = new Tape(new Graph());
  const values = Object.fromEntries(Object.keys(inputs).map((name) => [name, t.graph.input(name, "float32", [dims])]));
  const { loss, metrics } = build(t, values);
  t.graph.output("loss", loss);
  for (const [name, value] of Object.entries(metrics)) t.graph.output(name, value);
  const session = await Session.create(t.graph, { threads: 1 });
  const outputs = await session.run(Object.fromEntries(Object.entries(inputs).map(([name, data]) => [name, { dtype: "float32", shape: [data.length], data: Float32Array.from(data) }])));
  await session.close();
  return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, Number(tensor.data[0])]));
}

const near = (actual: number | undefined, expected: number): void => assert.ok(Math.abs((actual ?? NaN) - expected) < 1e-5, `${actual} is not ${expected}`);

test("DPO of a policy that is its own reference is ln 2, with all rewards 0 and no pair counted as right", async () => {
  const logps = [-3, -8, -5, -1];
  const values = await evaluate({ logps, reference: logps }, (t, x) => dpoLoss(t, x["logps"]!, x["reference"]!, 0.1), "2*B");
  near(values["loss"], Math.LN2);
  for (const name of ["rewards/chosen", "rewards/rejected", "rewards/margins", "rewards/accuracies"]) assert.equal(values[name], 0, name);
  near(values["logps/chosen"], -5.5);
  near(values["logps/rejected"], -3);
});

test("DPO metrics are β times the log-ratios, and accuracy the share of positive margins", async () => {
  const values = await evaluate({ logps: [-1, -2, -5, -3], reference: [-2, -2, -4, -6] }, (t, x) => dpoLoss(t, x["logps"]!, x["reference"]!, 0.5), "2*B");
  // Log-ratios: chosen 1 and 0, rejected −1 and 3; margins at β = 0.5: 1 and −1.5.
  near(values["rewards/chosen"], 0.25);
  near(values["rewards/rejected"], 0.5);
  near(values["rewards/margins"], -0.25);
  near(values["rewards/accuracies"], 0.5);
  near(values["loss"], (Math.log1p(Math.exp(-1)) + Math.log1p(Math.exp(1.5))) / 2);
});

test("the Bradley-Terry loss of equal rewards is ln 2", async () => {
  const values = await evaluate({ rewards: [1, 2, 1, 2] }, (t, x) => rewardLoss(t, x["rewards"]!), "2*B");
  near(values["loss"], Math.LN2);
  near(values["accuracy"], 0);
  near(values["mean_reward"], 1.5);
});

test("the Bradley-Terry loss is −ln σ of the margin, also where e to the margin overflows", async () => {
  const values = await evaluate({ rewards: [200, -50, 0, 50] }, (t, x) => rewardLoss(t, x["rewards"]!), "2*B");
  near(values["loss"], 50);
  near(values["accuracy"], 0.5);
  near(values["margin"], 50);
});

test("SFT is the mean over tokens of −ln p", async () => {
  const values = await evaluate({ logps: [-1, -2, -6] }, (t, x) => sftLoss(t, x["logps"]!), "M");
  near(values["loss"], 3);
});
