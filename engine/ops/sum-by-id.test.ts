import assert from "node:assert/strict";
import { it } from "node:test";
import { Graph } from "../graph/graph.ts";
import { Session } from "../graph/session.ts";
import { Random } from "../random.ts";
import { Tape } from "./tape.ts";

const [count, width] = [3000, 96];
const random = new Random("00000000000000aa");
const x = Float32Array.from({ length: count * width }, (_, index) => random.uniform(index) - 0.5);

for (const rows of [300, 3000]) {
  it(`sums of ${count} rows by ${rows} ids have the same bits on 1, 2 and 3 threads`, async () => {
    // Small ids are frequent.
    const ids = BigInt64Array.from({ length: count }, (_, row) =>
      BigInt(Math.floor(random.uniform(2 ** 20 + row) ** 3 * rows)),
    );
    const t = new Tape(new Graph());
    t.graph.output(
      "sums",
      t.sumById(t.graph.input("x", "float32", ["N", width]), t.graph.input("ids", "int64", ["N"]), rows),
    );
    const outputs: Float32Array[] = [];
    for (const threads of [1, 2, 3]) {
      const session = await Session.create(t.graph, { threads });
      for (let run = 0; run < 3; run++)
        outputs.push(
          (
            await session.run({
              x: { dtype: "float32", shape: [count, width], data: x },
              ids: { dtype: "int64", shape: [count], data: ids },
            })
          )["sums"]!.data as Float32Array,
        );
      await session.close();
    }
    for (const output of outputs) assert.deepEqual(output, outputs[0]);
    const expected = new Float64Array(rows * width);
    for (const [index, value] of x.entries())
      expected[Number(ids[Math.floor(index / width)]) * width + (index % width)]! += value;
    // Sums of up to a few hundred numbers below 0.5 in single precision.
    for (const [index, value] of expected.entries()) assert.ok(Math.abs(value - outputs[0]![index]!) < 1e-4);
  });
}
