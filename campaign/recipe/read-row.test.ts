import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RatchetError } from "../../errors/index.ts";
import { readRow, rowFault } from "./read-row.ts";
import type { RowKind } from "./row-schema.ts";

const user = (content: string) => ({ role: "user", content });
const bot = (content: string) => ({ role: "assistant", content });

function refusal(kind: RowKind, value: unknown): RatchetError {
  try {
    readRow(kind, { line: 7, value }, { file: "rows.jsonl" });
  } catch (error) {
    if (error instanceof RatchetError) return error;
  }
  throw new Error(`${JSON.stringify(value)} was read as ${kind}`);
}

describe("a row of each kind", () => {
  const accepted: [RowKind, unknown][] = [
    ["prompt", { prompt: "q" }],
    ["prompt", { id: 3, prompt: [user("q")], source: null }],
    ["prompt", { id: "a", messages: [user("q"), bot("a"), user("r")] }],
    ["modulePrompt", { id: "a", messages: [user("")] }],
    ["sft", { prompt: "q", completion: "a", id: 3 }],
    ["sft", { messages: [user("q")], completion: "a" }],
    ["sft", { messages: [user("q"), bot("a")] }],
    ["sft", { text: "once" }],
    ["moduleSft", { prompt: "q", completion: " " }],
    ["preference", { prompt: "", chosen: "a", rejected: "" }],
    ["preference", { chosen: [bot("a")], rejected: [bot("b")], chosen_score: 2, rejected_score: null }],
    ["completion", { id: null, prompt: "", completion: "" }],
    ["completion", { prompt_ids: [], completion_ids: [1] }],
    ["trainSft", { prompt: [user("q")], completion: [bot("a")], id: {}, prompt_id: 3 }],
    ["trainPair", { prompt: "q", chosen_ids: [1], rejected: "b", margin: null }],
    ["trainPair", { prompt: "q", chosen: [], chosen_ids: [1], rejected: 3, rejected_ids: [-2] }],
    ["trainPair", { chosen: "q a", rejected: "q b" }],
    ["trainPairWithMargin", { prompt: "q", chosen: "a", rejected: "b", margin: 0.5 }],
    ["trainLabelled", { messages: [user("q")], completion: [bot("a")], label: false }],
  ];
  for (const [kind, row] of accepted)
    it(`${kind} may be ${JSON.stringify(row)}`, () => assert.equal(rowFault(kind, row), undefined));
});

describe("a refused row is told with file, line, value and what is accepted", () => {
  const both = "but may have only one of them";
  const refused: [RowKind, unknown, string, string][] = [
    ["prompt", 3, "prompt_invalid", "the row is 3, but must be an object"],
    ["prompt", [], "prompt_invalid", "the row is [], but must be an object"],
    [
      "prompt",
      {},
      "prompt_invalid",
      "the row has none of `prompt`, `messages`, `context_messages`, but needs one of them",
    ],
    ["prompt", { prompt: " " }, "prompt_invalid", 'prompt is " ", but must be a text that is not blank'],
    [
      "prompt",
      { messages: [user("q"), bot(" ")] },
      "prompt_invalid",
      'messages[1].content is " ", but must be a text that is not blank',
    ],
    [
      "prompt",
      { messages: [] },
      "prompt_invalid",
      "messages is [], but must be a list of at least one {role, content}",
    ],
    ["prompt", { prompt: "q", id: "" }, "prompt_invalid", 'id is "", but must be a text that is not empty'],
    [
      "prompt",
      { prompt: "q", messages: [user("q")] },
      "prompt_invalid",
      `the row has \`prompt\` and \`messages\`, ${both}`,
    ],
    ["sft", { prompt: "q" }, "row_invalid", "the row has `prompt`, but no `completion`"],
    [
      "sft",
      { text: "once", completion: "a" },
      "row_invalid",
      "the row has `text` and `completion`: a text has no answer of its own",
    ],
    [
      "sft",
      { messages: [{ role: "user" }] },
      "row_invalid",
      "messages[0].content is missing: it must be a text",
    ],
    [
      "preference",
      { prompt: 7, chosen: "a", rejected: "b" },
      "preferences_invalid",
      "prompt is 7, but must be a text or a list of {role, content}",
    ],
    [
      "preference",
      { prompt: "q", chosen: "a" },
      "preferences_invalid",
      "rejected is missing: it must be a text or a list of {role, content}",
    ],
    [
      "preference",
      { prompt: "q", chosen: [bot("a")], rejected: [bot("b")] },
      "preferences_invalid",
      "the row has `prompt`, `chosen`, `rejected` of different forms: " +
        "all must be texts, or all lists of {role, content}",
    ],
    [
      "preference",
      { chosen: "a", rejected: "b", chosen_score: "high" },
      "preferences_invalid",
      'chosen_score is "high", but must be a number, or null',
    ],
    [
      "completion",
      { prompt_ids: [1.5], completion_ids: [1] },
      "row_invalid",
      "prompt_ids is [1.5], but must be a list of token ids, whole numbers from 0",
    ],
    [
      "trainLabelled",
      { prompt: "q", completion: "a", label: true, lable: true },
      "rows_invalid",
      'unknown column "lable"; known: prompt, messages, completion, label, id, prompt_id',
    ],
    [
      "trainPair",
      { chosen: "a", rejected: [bot("b")] },
      "rows_invalid",
      "the row has `chosen`, `rejected` of different forms: " +
        "all must be texts, or all lists of {role, content}",
    ],
  ];
  for (const [kind, row, code, fault] of refused)
    it(`${kind}: ${fault}`, () => {
      const error = refusal(kind, row);
      assert.equal(error.message, `rows.jsonl:7: ${fault}`);
      assert.deepEqual([error.code, error.kind, error.file, error.line], [code, "spec", "rows.jsonl", 7]);
    });

  it("a row of a module has no file: its fault is all there is", () => {
    assert.equal(
      rowFault("modulePrompt", { prompt: "q" }),
      "id is missing: it must be a text that is not empty",
    );
    assert.equal(
      rowFault("moduleSft", { prompt: "q", completion: "" }),
      'completion is "", but must be a text that is not empty',
    );
  });
});
