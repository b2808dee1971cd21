import assert from "node:assert/strict";
import { it } from "node:test";
import type { TestContext } from "node:test";
import type { LaidRow } from "./layout.ts";
import { referenceLogps } from "./reference.ts";
import { rowTokens } from "./rows.ts";
import { rowsFor, tasks, trainingOf } from "./small-training.test.support.ts";
import { Workshop } from "./workshop.ts";

const { start } = trainingOf("dpo", "wide");
const rows = rowsFor("dpo", start.config, 140) as LaidRow[];

function workshopFor(t: TestContext): Workshop {
  const workshop = new Workshop();
  t.after(() => workshop.close());
  return workshop;
}

it("a reference of several batches gives the same bits in one lane and in two, and in the order of the rows", async (t) => {
  const workshop = workshopFor(t);
  assert.ok(rows.reduce((total, row) => total + rowTokens(row), 0) > 2 * 2048, "three batches");
  const one = await referenceLogps(workshop, tasks.dpo, start, rows, 1);
  assert.equal(one.length, 2 * rows.length);
  for (const threads of [2, 3])
    assert.deepEqual(await referenceLogps(workshop, tasks.dpo, start, rows, threads), one);
  const last = await referenceLogps(workshop, tasks.dpo, start, rows.slice(-1), 1);
  for (const [answer, sum] of last.entries()) assert.ok(Math.abs(sum - one[one.length - 2 + answer]!) < 1e-4);
});

it("a failure in the other lane is the reference's", async (t) => {
  const workshop = workshopFor(t);
  let tokens = 0;
  const inSecondBatch = rows.findIndex((row) => (tokens += rowTokens(row)) > 2500);
  const unknown = rows.map((row, at) => (at === inSecondBatch ? withUnknownToken(row) : row));
  await assert.rejects(referenceLogps(workshop, tasks.dpo, start, unknown, 2), {
    kind: "invariant",
    code: "graph_failed",
    message: /out of (data )?bounds/,
  });
});

it("an aborted signal ends it between two batches, of which it tells", async (t) => {
  const workshop = workshopFor(t);
  const told: [number, number][] = [];
  const controller = new AbortController();
  const onBatch = (done: number, total: number): void => {
    told.push([done, total]);
    controller.abort(new Error("drained"));
  };
  await assert.rejects(
    referenceLogps(workshop, tasks.dpo, start, rows, 2, { signal: controller.signal, onBatch }),
    /drained/,
  );
  assert.deepEqual(told, [[1, 2]]);
});

function withUnknownToken(row: LaidRow): LaidRow {
  const { chosen } = row as Extract<LaidRow, { chosen: unknown }>;
  return {
    ...row,
    chosen: { ...chosen, ids: [...chosen.ids.slice(0, -2), 10_000, chosen.ids.at(-1) as number] },
  } as LaidRow;
}
