import assert from "node:assert/strict";
import { it } from "node:test";
import { Graph } from "./graph.ts";
import { Session } from "./session.ts";
import type { Tensor } from "./value.ts";

const ints = (...values: number[]): Tensor => ({
  dtype: "int64",
  shape: [values.length],
  data: BigInt64Array.from(values, BigInt),
});

it("a graph that needs too much memory fails as out_of_memory, and its session still works", async () => {
  const graph = new Graph();
  graph.output(
    "y",
    graph.one("Expand", [graph.scalar(1), graph.input("shape", "int64", [2])], {
      dtype: "float32",
      shape: ["A", "B"],
    }),
  );
  const session = await Session.create(graph, { threads: 1 });
  // 4 PB
  await assert.rejects(session.run({ shape: ints(1_000_000, 1_000_000_000) }), {
    kind: "resource",
    code: "out_of_memory",
  });
  assert.deepEqual((await session.run({ shape: ints(1, 2) }))["y"]!.data, Float32Array.of(1, 1));
  await session.close();
});

it("a graph that onnxruntime cannot load or run fails as graph_failed with its message", async () => {
  const wrong = new Graph();
  wrong.output(
    "y",
    wrong.one("NoSuchOperator", [wrong.input("x", "float32", [1])], { dtype: "float32", shape: [1] }),
  );
  await assert.rejects(Session.create(wrong, { threads: 1 }), {
    kind: "invariant",
    code: "graph_failed",
    message: /NoSuchOperator/,
  });
  const uneven = new Graph();
  uneven.output(
    "y",
    uneven.one("Add", [uneven.input("a", "float32", ["A"]), uneven.input("b", "float32", ["B"])], {
      dtype: "float32",
      shape: ["A"],
    }),
  );
  const session = await Session.create(uneven, { threads: 1 });
  const zeros = (size: number): Tensor => ({ dtype: "float32", shape: [size], data: new Float32Array(size) });
  await assert.rejects(session.run({ a: zeros(2), b: zeros(3) }), {
    kind: "invariant",
    code: "graph_failed",
  });
  await session.close();
});
