import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RatchetError } from "../../errors/index.ts";
import { readModuleRows, readRow, readRows } from "./read-row.ts";
import type { RowSource } from "./read-row.ts";
import { ROW_KINDS } from "./row-schema.ts";
import type { RowKind } from "./row-schema.ts";

const user = (content: string) => ({ role: "user", content });
const bot = (content: string) => ({ role: "assistant", content });

/** One row of each kind, of conversations where the kind has them. */
const ROWS: Record<RowKind, Record<string, unknown>> = {
  prompt: { messages: [user("q")] },
  modulePrompt: { id: "a", messages: [user("q")] },
  sft: { messages: [user("q")], completion: [bot("a")] },
  moduleSft: { messages: [user("q")], completion: "a" },
  preference: { prompt: [user("q")], chosen: [bot("a")], rejected: [bot("b")] },
  completion: { messages: [user("q")], completion: [bot("a")] },
  trainSft: { messages: [user("q")], completion: [bot("a")] },
  trainPair: { prompt: [user("q")], chosen: [bot("a")], rejected: [bot("b")] },
  trainPairWithMargin: { prompt: [user("q")], chosen: [bot("a")], rejected: [bot("b")], margin: 1 },
  trainLabelled: { prompt: [user("q")], completion: [bot("a")], label: true },
};

/** Columns of published data sets, of TRL, of other trainers, and of objects. */
const COLUMNS = [
  "tools",
  "chat_template_kwargs",
  "documents",
  "images",
  "image",
  "videos",
  "audio",
  "weight",
  "weights",
  "system",
  "instruction",
  "input",
  "output",
  "response",
  "answer",
  "question",
  "conversations",
  "dialogue",
  "source",
  "dataset",
  "category",
  "language",
  "subset",
  "split",
  "index",
  "idx",
  "uuid",
  "sample_id",
  "meta",
  "metadata",
  "model",
  "models",
  "chosen_model",
  "rejected_model",
  "rating",
  "ratings",
  "score",
  "scores",
  "helpfulness",
  "correctness",
  "verbosity",
  "chosen_rewards",
  "margin_score",
  "labels",
  "input_ids",
  "mask",
  "attention_mask",
  "completion_mask",
  "ref_chosen_logps",
  "ground_truth",
  "solution",
  "constraints",
  "seed",
  "Prompt",
  "MESSAGES",
  "prompt ",
  " prompt",
  "pr\u00f3mpt",
  "",
  "0",
  "constructor",
  "__proto__",
  "toString",
];
const FIELDS = [
  "tool_calls",
  "tool_call_id",
  "function_call",
  "name",
  "reasoning_content",
  "reasoning",
  "thinking",
  "weight",
  "train",
  "loss",
  "mask",
  "prefix",
  "refusal",
  "audio",
  "images",
  "from",
  "value",
  "parts",
  "Role",
  "content ",
  "__proto__",
  "constructor",
];

const leaveOut = (names: readonly string[]): string => JSON.stringify(names);
const source: RowSource = { file: "rows.jsonl", leaveOut };

const withOwn = (row: object, name: string, value: unknown): object =>
  Object.fromEntries([...Object.entries(row), [name, value]]);

function refusal(kind: RowKind, value: unknown): RatchetError {
  try {
    readRow(kind, { line: 7, value }, source);
  } catch (error) {
    if (error instanceof RatchetError) return error;
    throw error;
  }
  throw new assert.AssertionError({ message: `${JSON.stringify(value)} was read as ${kind}` });
}

const kinds = Object.entries(ROWS) as [RowKind, Record<string, unknown>][];
/** Every known column of any kind is foreign to some other kind. */
const names = [...new Set([...COLUMNS, ...kinds.flatMap(([kind]) => ROW_KINDS[kind].columns)])];

describe("a column or message's field that nothing reads is refused by name, or left out by `ignore`", () => {
  for (const [kind, row] of kinds) {
    const plain = readRow(kind, { line: 1, value: row }, source);
    const foreign = names.filter((name) => !ROW_KINDS[kind].columns.includes(name));

    it(`${kind}: ${foreign.length} columns`, () => {
      for (const name of foreign) {
        for (const value of [0, "", false, [], {}, "text", { a: [1] }, [{ role: "user", content: "q" }]]) {
          const error = refusal(kind, withOwn(row, name, value));
          assert.match(error.message, /^rows\.jsonl:7: unknown column /);
          assert.ok(error.message.includes(JSON.stringify(name)), error.message);
          assert.equal(error.hint, JSON.stringify([name]));
        }
        const left = { ...source, ignore: [name] };
        const given = withOwn(row, name, { deep: [1] });
        assert.deepEqual(readRow(kind, { line: 1, value: given }, left), plain);
        assert.deepEqual(readModuleRows(kind, [given], left), [plain]);
        assert.throws(() => readModuleRows(kind, [given], source), { code: "module_bad_result" });
        assert.deepEqual(readRow(kind, { line: 1, value: withOwn(row, name, null) }, source), plain);
      }
    });

    it(`${kind}: ${FIELDS.length} fields of each message`, () => {
      const lists = Object.entries(row).filter(([, value]) => Array.isArray(value));
      assert.ok(lists.length > 0);
      for (const [column, turns] of lists as [string, object[]][])
        for (const name of FIELDS) {
          const given = { ...row, [column]: [withOwn(turns[0]!, name, 1), ...turns.slice(1)] };
          const error = refusal(kind, given);
          assert.ok(error.message.includes(`unknown field ${JSON.stringify(name)} of ${column}[0]`));
          assert.equal(error.hint, JSON.stringify([name]));
          const read = readRow(kind, { line: 1, value: given }, { ...source, ignore: [name] });
          assert.deepEqual(read, plain);
          const empty = { ...row, [column]: [withOwn(turns[0]!, name, null)] };
          assert.deepEqual(readRow(kind, { line: 1, value: empty }, source), plain);
        }
    });

    it(`${kind}: a text with a lone surrogate is refused, a null is an absent column`, () => {
      for (const name of ROW_KINDS[kind].columns) {
        const value = row[name];
        if (Array.isArray(value))
          for (const content of ["\ud83d", "a\udc00b"])
            assert.throws(() =>
              readRow(kind, { line: 1, value: { ...row, [name]: [{ ...value[0], content }] } }, source),
            );
        else if (value === undefined)
          assert.deepEqual(readRow(kind, { line: 1, value: { ...row, [name]: null } }, source), plain);
      }
    });
  }
});

it("the refusal of a file names the columns of all rows, and those that are left out already", async () => {
  async function* raws() {
    yield { line: 1, value: { prompt: "a", source: "x" } };
    yield { line: 2, value: { messages: [{ ...user("q"), weight: 0 }], tools: [] } };
    yield { line: 3, value: { prompt: "b", id: 1 } };
  }
  await assert.rejects(readRows("prompt", raws(), { ...source, ignore: ["url"] }), {
    code: "prompt_invalid",
    line: 1,
    message: /unknown column "source"; known: id, prompt/,
    hint: '["url","source","tools","weight"]',
  });
  const rows = await readRows("prompt", raws(), { ...source, ignore: ["source", "tools", "weight"] });
  assert.equal(rows.length, 3);
});

it("a row that is wrong without its unread columns too has both faults in its refusal", () => {
  const error = refusal("sft", { conversations: [{ from: "human", value: "q" }] });
  assert.match(error.message, /unknown column "conversations"; known: .*; the row has none of `prompt`/);
  assert.match(error.hint!, /a row is/);
});
