/* oxlint-disable max-lines -- one story: what goes out and what comes back, in each format */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import type { Label } from "../../campaign/labeling/types.ts";
import { RatchetClient } from "../../client/ratchet-client.ts";
import { memoryBackend } from "../../store/backends/memory.ts";
import { storeOn } from "../../store/index.ts";
import type { Backend, Store } from "../../store/types.ts";
import { countingBackend, totalOf } from "../../test/support/counting-backend.ts";
import { given, NOTHING_DECIDED, recordQuestionnaire, sealNow } from "../../test/support/questionnaire.ts";
import { recordCampaign } from "../../test/support/recorded-campaign.ts";
import { giveLabel } from "../give.ts";
import type { Questionnaire } from "../questionnaires.ts";
import { labelsAt, readLabels } from "../standing.ts";
import { arrayElements } from "./json-array.ts";

const lines = (rows: object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

async function* chunksOf(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

describe("a large JSON array", () => {
  const elements = async (text: string, size = 7): Promise<unknown[]> => {
    const found: unknown[] = [];
    for await (const element of arrayElements(chunksOf(text, size), "f.json")) found.push(element);
    return found;
  };

  it("is read element by element, wherever the bytes are cut", async () => {
    const value = [{ a: '],[\\"', "é€😀": [1, [2, { b: "}" }]] }, "x,y", 3, null, [], {}];
    for (const text of [JSON.stringify(value), JSON.stringify(value, null, 2)])
      for (const size of [1, 2, 3, 1000])
        assert.deepEqual(
          (await elements(text, size)).map((one) => (one as { value: unknown }).value),
          value,
        );
    assert.deepEqual(await elements("\uFEFF [ ]\n"), []);
  });

  it("tells the line of each element, and of what is no JSON", async () => {
    assert.deepEqual(await elements('[\n{"a":\n1},\n\n{"b":2}\n]'), [
      { line: 2, value: { a: 1 } },
      { line: 5, value: { b: 2 } },
    ]);
    const bad: [string, RegExp][] = [
      ["[\n1,\n{x}]", /^f\.json:3 is not JSON/],
      ["[1", /ends before its array/],
      ["", /ends before its array/],
      ['{"a":1}\n', /holds something beside its array/],
      ["[1] [2]", /holds something beside its array/],
    ];
    for (const [text, message] of bad)
      await assert.rejects(elements(text), { code: "label_invalid", message });
  });
});

// oxlint-disable-next-line max-lines-per-function -- describe block
describe("exchange of labels", () => {
  let dir: string;
  let backend: Backend;
  let store: Store;
  let client: RatchetClient;
  let asked: Questionnaire;
  let writes = 0;
  before(async () => (dir = await mkdtemp(join(tmpdir(), "ratchet-labels-"))));
  after(() => rm(dir, { recursive: true }));

  const fresh = async (options = {}): Promise<void> => {
    const memory = memoryBackend();
    backend = { ...memory, putIfAbsent: (key, bytes) => ((writes += 1), memory.putIfAbsent(key, bytes)) };
    store = await storeOn(backend);
    await recordCampaign(store, "done");
    asked = await recordQuestionnaire(store, "done", options);
    client = new RatchetClient(store);
  };
  const file = async (name: string, content: string | Uint8Array): Promise<string> => {
    await writeFile(join(dir, name), content);
    return name;
  };
  const importFile = (name: string, more = {}) =>
    client.importLabels("done", { file: name, path: join(dir, name), format: "ratchet" as const, ...more });
  const stored = async (): Promise<Label[]> => {
    const labels: Label[] = [];
    for await (const { label } of readLabels(store, asked, await labelsAt(store, asked))) labels.push(label);
    return labels;
  };
  const row = (comparison: number, more: object = {}): object => ({
    questionnaire: asked.digest,
    comparison,
    labeler: "ada",
    choice: "first",
    ...more,
  });

  describe("in JSON Lines", () => {
    it("questions that a program answers are labels; a second import changes nothing", async () => {
      await fresh();
      await client.exportLabels("done/2", join(dir, "questions.jsonl"), {
        format: "ratchet",
        what: "questions",
      });
      const text = await readFile(join(dir, "questions.jsonl"), "utf8");
      assert.doesNotMatch(text, /audit/, "labelers do not see which part a comparison belongs to");
      const answered = text
        .trimEnd()
        .split("\n")
        .map((line, i): object => {
          const question = JSON.parse(line) as object;
          return i === 5 ? question : { ...question, choice: i % 2 ? "second" : "tie", labeler: "bot" };
        });
      const name = await file("answered.jsonl.gz", gzipSync(lines(answered)));
      assert.deepEqual(await importFile(name), { labels: 7, unanswered: 1, outcomes: { open: 7 } });
      const labels = await stored();
      assert.deepEqual(labels.map(({ choice }) => choice).slice(0, 3), ["tie", "second", "tie"]);
      const before = writes;
      assert.deepEqual((await importFile(name)).outcomes, { same: 7 });
      assert.equal(writes, before);
      assert.deepEqual(await stored(), labels);
    });

    it("an export of labels is imported again without a change, also with revisions and extras", async () => {
      await fresh();
      const give = (...args: Parameters<typeof given>) =>
        giveLabel(store, asked, given(...args), NOTHING_DECIDED);
      await give(0, "ada", { note: "why", strength: 3, seconds: 1.5, shown: "second" });
      await give(0, "ben", { choice: "second" });
      await give(1, "ada");
      await give(1, "ada", { choice: null, at: "2026-01-03T00:00:00.000Z" });
      const out = join(dir, "given.jsonl");
      await client.exportLabels("done", out, { format: "ratchet", what: "labels" });
      const before = writes;
      assert.deepEqual((await importFile("given.jsonl")).outcomes, { same: 3 });
      assert.equal(writes, before);
      await fresh();
      await importFile("given.jsonl");
      const [first, extra] = await stored();
      assert.deepEqual(
        [first?.note, first?.seconds, first?.shown, extra?.labeler],
        ["why", 1.5, "second", "ben"],
      );
    });

    it("of two times the newer label counts, however often the file is imported", async () => {
      await fresh();
      const [early, later] = ["2026-01-02T00:00:00.000Z", "2026-01-03T00:00:00.000Z"];
      const rows = [row(0, { at: early }), row(0, { choice: "second", at: later })];
      const name = await file("times.jsonl", lines(rows));
      assert.deepEqual((await importFile(name)).outcomes, { open: 2 });
      assert.deepEqual((await importFile(name)).outcomes, { older: 1, same: 1 });
      assert.deepEqual(
        (await stored()).map(({ choice }) => choice),
        ["first", "second"],
      );
    });

    it("refuses a bad line by file and line before it writes anything", async () => {
      await fresh();
      const bad: [object, RegExp][] = [
        [row(8), /:3 has the comparison 8/],
        [row(1, { choice: "left" }), /:3 has the choice "left"/],
        [row(1, { questionnaire: "0".repeat(64) }), /:3 names the questionnaire 0000.* not of this campaign/],
        [row(1, { labeler: undefined }), /:3 has the labeler undefined/],
        [row(1, { chioce: "first" }), /:3 has the unknown member "chioce"/],
        [row(0), /:3 labels comparison 0 by ada a second time/],
        [[1], /:3 is no JSON object/],
      ];
      for (const [third, message] of bad) {
        const name = await file("bad.jsonl", lines([row(0), row(2), third]));
        await assert.rejects(importFile(name), { code: "label_invalid", message });
      }
      assert.deepEqual(await stored(), []);
      await assert.rejects(importFile("none.jsonl"), { code: "file_missing" });
      await assert.rejects(importFile("none.json", { format: "label-studio" }), { code: "file_missing" });
    });

    it("needs one call a label; a second import reads each label once", async () => {
      const count = 3_000;
      const { backend: counted, calls } = countingBackend(memoryBackend());
      store = await storeOn(counted);
      await recordCampaign(store, "done");
      asked = await recordQuestionnaire(store, "done", { count });
      client = new RatchetClient(store);
      const name = await file("many.jsonl", lines(Array.from({ length: count }, (_, i) => row(i))));
      // The ledger, the questionnaire, and a look for the seal in each second.
      const others = 300;
      let before = totalOf(calls);
      assert.deepEqual((await importFile(name)).outcomes, { open: count });
      const first = totalOf(calls) - before;
      assert.ok(first >= count && first <= count + others, `${first} calls for ${count} labels`);
      before = totalOf(calls);
      assert.deepEqual((await importFile(name)).outcomes, { same: count });
      const second = totalOf(calls) - before;
      assert.ok(second <= count + others, `${second} calls for ${count} labels that are there`);
    });

    it("finishes an import that was interrupted", async () => {
      await fresh({ count: 200 });
      const name = await file("long.jsonl", lines(Array.from({ length: 200 }, (_, i) => row(i))));
      let left = 90;
      const failing = await storeOn({
        ...backend,
        putIfAbsent: async (key, bytes) => {
          if (key.includes("/labels/") && (left -= 1) < 0) throw new Error("the cable was pulled");
          return backend.putIfAbsent(key, bytes);
        },
      });
      await assert.rejects(
        new RatchetClient(failing).importLabels("done", {
          file: name,
          path: join(dir, name),
          format: "ratchet",
        }),
        /cable/,
      );
      assert.equal((await stored()).length, 90);
      assert.deepEqual((await importFile(name)).outcomes, { same: 90, open: 110 });
      assert.equal((await stored()).length, 200);
    });

    it("stores labels of a closed questionnaire as late", async () => {
      await fresh();
      await sealNow(store, asked);
      assert.deepEqual((await importFile(await file("late.jsonl", lines([row(0)])))).outcomes, { late: 1 });
      assert.deepEqual(
        (await stored()).map(({ late }) => late),
        [true],
      );
      const [stats] = await client.labelStats("done");
      assert.deepEqual([stats?.states.late, stats?.quality.labels], [1, 0]);
    });

    it("compares labelers with a file of known answers, which are not stored", async () => {
      await fresh();
      const known = async (...rows: object[]) => {
        const path = await file("known.jsonl", lines(rows));
        return { file: "known.jsonl", path: join(dir, path) };
      };
      const labels = [0, 1, 2, 3].map((comparison) => ({
        ...row(comparison),
        labeler: "ada",
        choice: "first",
      }));
      await importFile(await file("of-ada.jsonl", lines(labels)));
      const answers = [
        { questionnaire: asked.digest, comparison: 0, choice: "first" },
        { questionnaire: asked.digest, comparison: 1, choice: "second" },
        { questionnaire: asked.digest, comparison: 2, choice: "tie" },
        { questionnaire: asked.digest, comparison: 7, choice: "first" },
        { questionnaire: asked.digest, comparison: 3 },
      ];
      const [stats] = await client.labelStats("done", await known(...answers));
      const [ada] = stats?.quality.labelers ?? [];
      assert.deepEqual([ada?.checks, ada?.right], [3, 1 / 3]);
      assert.equal((await stored()).length, 4);
      const two = [
        { ...answers[0], labeler: "a" },
        { ...answers[0], labeler: "b", choice: "tie" },
      ];
      await assert.rejects(
        known(...two).then((checks) => client.labelStats("done", checks)),
        {
          code: "label_invalid",
          message: /two answers to comparison 0/,
        },
      );
      const foreign = await known({ ...answers[0], questionnaire: "f".repeat(64) });
      await assert.rejects(client.labelStats("done", foreign), { code: "label_invalid" });
    });

    it("says that a campaign asks nobody", async () => {
      await fresh();
      await recordCampaign(store, "silent");
      await assert.rejects(client.labelStats("silent"), { code: "questionnaire_unknown" });
      await assert.rejects(client.labelStats("done/1"), { code: "questionnaire_unknown" });
    });
  });

  describe("in Label Studio's JSON", () => {
    const options = { format: "label-studio" as const };
    const pairwise = (selected: string) => ({ type: "pairwise", from_name: "pw", value: { selected } });
    const neither = (choice: string) => ({ type: "choices", from_name: "n", value: { choices: [choice] } });
    const task = (comparison: number, ...annotations: object[]) => ({
      id: 100 + comparison,
      data: { questionnaire: asked.digest, comparison, prompt: "?", answer1: "a", answer2: "b" },
      annotations,
    });
    const by = (completed_by: unknown, ...result: object[]) => ({
      completed_by,
      result,
      was_cancelled: false,
      lead_time: 4.2,
      created_at: "2026-01-02T00:00:00.000Z",
    });

    it("tasks show the answers in the questionnaire's order", async () => {
      await fresh();
      const out = join(dir, "tasks.json");
      await client.exportLabels("done", out, { ...options, what: "questions" });
      const tasks = JSON.parse(await readFile(out, "utf8")) as { data: object }[];
      assert.equal(tasks.length, 8);
      assert.deepEqual(tasks[1], {
        data: {
          questionnaire: asked.digest,
          comparison: 1,
          prompt: "two?",
          answer1: "answer 1",
          answer2: "another secret 1",
        },
      });
    });

    it("its export is imported: choices, strength, note, time, and annotators as numbers", async () => {
      await fresh();
      const exported = [
        task(0, by(7, pairwise("left"), { type: "rating", value: { rating: 2 } })),
        task(1, by({ id: 8, email: "ada@example.org" }, pairwise("right"))),
        task(
          2,
          by(7, neither("both_bad"), {
            type: "textarea",
            from_name: "why",
            value: { text: ["bad", "both"] },
          }),
        ),
        task(3, { ...by(7, pairwise("left")), was_cancelled: true }, by(7)),
        task(4, by(7, neither("tie"))),
      ];
      const name = await file("export.json", JSON.stringify(exported, null, 2));
      assert.deepEqual(await importFile(name, options), { labels: 4, unanswered: 1, outcomes: { open: 4 } });
      assert.deepEqual(
        (await stored()).map(({ labeler, choice, strength, note, seconds }) => [
          labeler,
          choice,
          strength ?? null,
          note ?? null,
          seconds,
        ]),
        [
          ["ls-7", "first", 2, null, 4.2],
          ["ls-8", "second", null, null, 4.2],
          ["ls-7", "both_bad", null, "bad\nboth", 4.2],
          ["ls-7", "tie", null, null, 4.2],
        ],
      );
      assert.deepEqual((await importFile(name, options)).outcomes, { same: 4 });
    });

    it("refuses what it does not understand, by the line where the task begins", async () => {
      await fresh();
      const bad: [object, RegExp][] = [
        [task(0, by(7, pairwise("middle"))), /:\d+ chooses "middle"/],
        [task(0, by(7, pairwise("left"), neither("tie"))), /chooses both first and tie/],
        [task(0, by(7, { type: "rectanglelabels", value: {} })), /result of the type "rectanglelabels"/],
        [task(0, by(undefined, pairwise("left"))), /without completed_by/],
        [task(0, by(7, { type: "rating", value: { rating: 1 } })), /chooses nothing/],
        [{ data: {} }, /is no task with a questionnaire/],
        [task(99, by(7, pairwise("left"))), /has the comparison 99/],
      ];
      for (const [one, message] of bad) {
        const name = await file("bad.json", JSON.stringify([task(1, by(7, pairwise("left"))), one], null, 1));
        await assert.rejects(importFile(name, options), { code: "label_invalid", message });
      }
      assert.deepEqual(await stored(), []);
    });

    it("labels come back from a round trip as they were", async () => {
      await fresh();
      const give = (...args: Parameters<typeof given>) =>
        giveLabel(store, asked, given(...args), NOTHING_DECIDED);
      await give(0, "ada", { choice: "second", strength: 1, note: "a\nb", seconds: 2 });
      await give(1, "ben", { choice: "both_bad" });
      const labels = (await stored()).map(({ shown: _screen, ...rest }) => rest);
      const out = join(dir, "annotated.json");
      await client.exportLabels("done", out, { ...options, what: "labels" });
      await assert.rejects(client.exportLabels("done", out, { ...options, what: "labels" }), {
        code: "export_exists",
      });
      assert.deepEqual((await importFile("annotated.json", options)).outcomes, { same: 2 });
      await fresh();
      await importFile("annotated.json", options);
      assert.deepEqual(
        (await stored()).map(({ shown: _screen, ...rest }) => rest),
        labels,
      );
    });
  });
});
