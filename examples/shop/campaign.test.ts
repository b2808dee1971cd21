import assert from "node:assert/strict";
import { it } from "node:test";
import { resolveSpec } from "../../campaign/spec/resolve.ts";
import { shopCampaign } from "./campaign.ts";
import { Random } from "./random.ts";
import { drawRequest, requestText } from "./world.ts";
import { writeAnswer } from "./writers.ts";

const resolved = (quick: boolean) => resolveSpec(shopCampaign({ seed: 3, quick }));

it("the demo's campaigns are valid specs, and quick differs in size only", () => {
  const [whole, quick] = [resolved(false), resolved(true)];
  assert.deepEqual(quick.baselines, whole.baselines);
  assert.deepEqual([whole.iterations, quick.iterations], [6, 2]);
  assert.deepEqual(quick.evaluate, whole.evaluate);
  assert.deepEqual(quick.train, whole.train);
});

it("all variants train on equally many labels", () => {
  for (const quick of [false, true]) {
    const { pair, iterations, prompts, bootstrap, labels, train } = resolved(quick);
    assert.ok(bootstrap.labels && labels);
    assert.equal(labels.perIteration - labels.audit, pair.limit);
    assert.equal(bootstrap.labels.comparisons - bootstrap.labels.audit, iterations * pair.limit);
    assert.equal(pair.limit % train.batch, 0, "whole batches");
    assert.ok(prompts.bootstrap >= 1.09 * bootstrap.labels.comparisons, "some answers are identical");
  }
});

it("no order or written answer is longer than a training row", () => {
  const random = new Random("longest");
  const { maxLength } = resolved(false).train;
  for (let i = 0; i < 2000; i++) {
    const request = drawRequest(random);
    const tokens =
      requestText(request).split(" ").length + 2 + writeAnswer(request, 0, random).split(" ").length + 1;
    assert.ok(tokens <= (maxLength ?? 0), String(tokens));
  }
});
