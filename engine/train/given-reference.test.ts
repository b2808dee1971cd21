// Log-probabilities of a reference that one training hands to another: taken where they are of its answers, never where they are not.
import assert from "node:assert/strict";
import { it } from "node:test";
import { initCheckpoint } from "../model/index.ts";
import type { Checkpoint } from "../model/index.ts";
import { digestsOf, optimizer, shapes, trainingOf } from "./small-training.test.support.ts";
import type { Kind } from "./small-training.test.support.ts";
import { train } from "./index.ts";
import type { ReferenceLogps, TrainOptions } from "./index.ts";

/** Not the start, so that a wrong log-probability moves the loss. */
const other = initCheckpoint(shapes.odd, "00000000000000aa");

const training = (kind: Kind, change: Partial<TrainOptions> = {}): TrainOptions => ({
  ...trainingOf(kind, "odd"),
  reference: other,
  optimizer: { ...optimizer, epochs: 1 },
  ...change,
});

/** The digests of a training, what it computed of its reference, and whether it read it. */
async function run(
  options: TrainOptions,
): Promise<{ digests: object; computed: ReferenceLogps[]; read: boolean }> {
  const computed: ReferenceLogps[] = [];
  let read = false;
  const reference = async (): Promise<Checkpoint> => ((read = true), other);
  const result = await train({ ...options, reference, onReference: (logps) => void computed.push(logps) });
  return { digests: digestsOf(result), computed, read };
}

async function computedBy(options: TrainOptions): Promise<ReferenceLogps> {
  const [computed] = (await run(options)).computed;
  return computed ?? assert.fail("nothing was computed");
}

for (const kind of ["dpo", "kto"] as const) {
  it(`a training of kind ${kind} that is given them has the same bits as one that computes them, and reads no reference`, async () => {
    const whole = await run(training(kind));
    assert.deepEqual([whole.computed.length, whole.read], [1, true]);
    const referenceLogps = JSON.parse(JSON.stringify(whole.computed[0])) as ReferenceLogps;
    assert.deepEqual(await run(training(kind, { referenceLogps })), {
      digests: whole.digests,
      computed: [],
      read: false,
    });
  });
}

it("they are taken whatever the loss, its settings and the optimizer are", async () => {
  const referenceLogps = await computedBy(training("dpo"));
  const change: Partial<TrainOptions> = {
    task: { kind: "dpo", beta: 0.5, losses: [{ type: "ipo", weight: 1 }] },
    optimizer: { ...optimizer, batch: 4, learningRate: 1e-4, seed: "00000000000000bb" },
  };
  const { digests } = await run(training("dpo", change));
  assert.deepEqual(await run(training("dpo", { ...change, referenceLogps })), {
    digests,
    computed: [],
    read: false,
  });
});

it("they are computed where those given are of other rows, tokens, weights of tokens or mismatched answers, or are not whole", async () => {
  const given = await computedBy(training("dpo"));
  const { rows } = training("dpo");
  const anew = async (options: TrainOptions, referenceLogps: ReferenceLogps): Promise<void> => {
    const { digests, computed } = await run(options);
    assert.deepEqual(await run({ ...options, referenceLogps }), { digests, computed, read: true });
  };
  await anew(training("dpo", { rows: [...rows.slice(1), rows[0]!] }), given);
  await anew(
    training("dpo", { optimizer: { ...optimizer, epochs: 1, maxLength: 20, truncation: "keep_start" } }),
    given,
  );
  await anew(training("dpo", { task: { kind: "dpo", beta: 0.1, ldAlpha: 0.5 } }), given);
  await anew(training("dpo"), { ...given, logps: given.logps.slice(2) });
  await anew(training("dpo"), { ...given, logps: given.logps.with(3, NaN) });
  const batches = { ...optimizer, epochs: 1, seed: "00000000000000bb" };
  await anew(training("kto", { optimizer: batches }), await computedBy(training("kto")));
});
