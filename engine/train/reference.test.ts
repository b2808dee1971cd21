import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { initCheckpoint } from "../model/index.ts";
import type { Checkpoint } from "../model/index.ts";
import type { BatchRow } from "./batches.ts";
import { train } from "./index.ts";
import type { ReferenceLogps, TrainOptions } from "./index.ts";
import { referenceLogps } from "./reference.ts";
import { rowTokens } from "./rows.ts";
import {
  digestsOf,
  optimizer,
  poolFor,
  rowsFor,
  shapes,
  tasks,
  trainingOf,
} from "./small-training.test.support.ts";
import type { Kind } from "./small-training.test.support.ts";

describe("log-probabilities of the reference", () => {
  const { start } = trainingOf("dpo", "wide");
  const rows = rowsFor("dpo", start.config, 140) as BatchRow[];

  it("have the same bits on one worker and on two, in the order of the rows", async (t) => {
    const pool = poolFor(t);
    assert.ok(rows.reduce((total, row) => total + rowTokens(row), 0) > 2 * 2048, "three batches");
    const one = await referenceLogps(pool, tasks.dpo, start, rows, 1);
    assert.equal(one.length, 2 * rows.length);
    for (const threads of [2, 3])
      assert.deepEqual(await referenceLogps(pool, tasks.dpo, start, rows, threads), one);
    const last = await referenceLogps(pool, tasks.dpo, start, rows.slice(-1), 1);
    for (const [answer, sum] of last.entries())
      assert.ok(Math.abs(sum - one[one.length - 2 + answer]!) < 1e-4);
  });

  it("fail if the second worker fails", async (t) => {
    const pool = poolFor(t);
    let tokens = 0;
    const inSecondBatch = rows.findIndex((row) => (tokens += rowTokens(row)) > 2500);
    const unknown = rows.map((row, at) => (at === inSecondBatch ? withUnknownToken(row) : row));
    await assert.rejects(referenceLogps(pool, tasks.dpo, start, unknown, 2), {
      kind: "invariant",
      code: "graph_failed",
      message: /out of (data )?bounds/,
    });
  });

  it("stop between two batches when the signal is aborted, and report progress", async (t) => {
    const pool = poolFor(t);
    const reported: [number, number][] = [];
    const controller = new AbortController();
    const onBatch = (done: number, total: number): void => {
      reported.push([done, total]);
      controller.abort(new Error("drained"));
    };
    await assert.rejects(
      referenceLogps(pool, tasks.dpo, start, rows, 2, { signal: controller.signal, onBatch }),
      /drained/,
    );
    assert.deepEqual(reported, [[1, 2]]);
  });

  function withUnknownToken(row: BatchRow): BatchRow {
    const { chosen } = row as Extract<BatchRow, { chosen: unknown }>;
    return {
      ...row,
      chosen: { ...chosen, ids: [...chosen.ids.slice(0, -2), 10_000, chosen.ids.at(-1) as number] },
    } as BatchRow;
  }
});

describe("log-probabilities given by another training", () => {
  /** Not the start, so that a wrong log-probability changes the loss. */
  const other = initCheckpoint(shapes.odd, "00000000000000aa");
  const pool = poolFor({ after });

  const training = (kind: Kind, change: Partial<TrainOptions> = {}): TrainOptions => ({
    ...trainingOf(kind, "odd"),
    pool,
    reference: other,
    optimizer: { ...optimizer, epochs: 1 },
    ...change,
  });

  /**
   * The digests of a training, the log-probabilities that it computed, and whether it loaded the reference.
   */
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
    return computed ?? assert.fail("no log-probabilities were computed");
  }

  for (const kind of ["dpo", "kto"] as const) {
    it(`give ${kind} the same bits as computed ones, and the reference is not loaded`, async () => {
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

  it("are used for any loss, settings and optimizer", async () => {
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

  it("are computed again for other rows, tokens, weights or mismatched answers, if incomplete", async () => {
    const given = await computedBy(training("dpo"));
    const { rows } = training("dpo");
    const computedAgain = async (options: TrainOptions, referenceLogps: ReferenceLogps): Promise<void> => {
      const { digests, computed } = await run(options);
      assert.deepEqual(await run({ ...options, referenceLogps }), { digests, computed, read: true });
    };
    await computedAgain(training("dpo", { rows: [...rows.slice(1), rows[0]!] }), given);
    await computedAgain(
      training("dpo", { optimizer: { ...optimizer, epochs: 1, maxLength: 20, truncation: "keep_start" } }),
      given,
    );
    await computedAgain(training("dpo", { task: { kind: "dpo", beta: 0.1, ldAlpha: 0.5 } }), given);
    await computedAgain(training("dpo"), { ...given, logps: given.logps.slice(2) });
    await computedAgain(training("dpo"), { ...given, logps: given.logps.with(3, NaN) });
    const batches = { ...optimizer, epochs: 1, seed: "00000000000000bb" };
    await computedAgain(training("kto", { optimizer: batches }), await computedBy(training("kto")));
  });
});
