import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { namesIn, typeOf } from "./names.ts";

const A = "a".repeat(64);
const B = "b".repeat(64);

describe("what a record names", () => {
  it("tells made blobs, inputs, pieces and texts apart by record type and member", () => {
    const result = {
      stage: "generate",
      place: A,
      policy: A,
      sampling: A,
      pieces: [{ rows: A }, { rows: B }],
    };
    assert.deepEqual(
      namesIn(result).map(({ path, maker, kind }) => `${path} ${maker} ${kind}`),
      [
        "place nobody any",
        "policy other tree",
        "sampling nobody any",
        "pieces.rows piece blob",
        "pieces.rows piece blob",
      ],
    );
    assert.deepEqual(
      namesIn({ stage: "train", policy: A, curve: B }).map(({ digest, maker }) => `${digest} ${maker}`),
      [`${A} itself`, `${B} itself`],
    );
  });

  it("takes a digest in any other member for a blob of an unknown maker, in unknown records too", () => {
    for (const record of [
      { stage: "pair", more: [{ deep: A }] },
      { stage: "later", more: [{ deep: A }] },
      { more: [{ deep: A }] },
    ])
      assert.deepEqual(namesIn(record), [{ digest: A, path: "more.deep", kind: "any", maker: "unknown" }]);
    assert.equal(namesIn({ stage: "pair", constructor: A })[0]?.maker, "unknown");
  });

  it("knows stages, roles, lists and queues by their place, so also new ones", () => {
    const event = { type: "iteration-finished", policy: A, stages: { train: A, later: B } };
    assert.deepEqual(
      namesIn(event, "ledger").map(({ kind }) => kind),
      ["tree", "result", "result"],
    );
    const spec = {
      schema: "ratchet.spec/1",
      prompts: { later: { rows: A } },
      modules: { later: { digest: B } },
    };
    assert.deepEqual(
      namesIn(spec).map(({ path, kind, maker }) => `${path} ${kind} ${maker}`),
      ["prompts.later.rows blob other", "modules.later.digest blob other"],
    );
  });

  it("finds no digest in what is none", () => {
    assert.deepEqual(
      namesIn({ stage: "pair", pairs: A.toUpperCase(), report: { pairs: 3 }, note: `${A}0` }),
      [],
    );
    for (const nothing of [undefined, null, 3, "text"]) assert.deepEqual(namesIn(nothing), []);
  });

  it("reads the type of a record from its schema, or of a result from its stage", () => {
    assert.deepEqual(
      [{ schema: "ratchet.tree/1" }, { stage: "score" }, { stage: "score", piece: 0 }, {}].map(typeOf),
      ["tree", "score", "piece", undefined],
    );
  });
});
