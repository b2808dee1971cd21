import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { it } from "node:test";
import fc from "fast-check";
import { ModuleProcess } from "./module-process.ts";
import { plainAnswer, UnsendableError } from "./plain-data.ts";
import { replyTo } from "./protocol.ts";
import { rows, runner } from "./runner.test.support.ts";

/** The body of a reward module's answer to one row, and what the error says of it. */
const ANSWERS: [string, RegExp][] = [
  ["new Array(rows.length)", /answered a hole for row 0/],
  ["[, 1]", /answered a hole for row 0/],
  ["[1n]", /answered 1n for row 0/],
  ["[NaN]", /answered NaN for row 0, which is not a finite number/],
  ["[-Infinity]", /answered -Infinity for row 0, which is not a finite number/],
  ["[1e308]", /answered 1e\+308 for row 0, which is not a number from -1e\+100 to 1e\+100/],
  ["[-1e101]", /answered -1e\+101 for row 0, which is not a number from/],
  ["['3']", /answered "3" for row 0/],
  ["[null]", /answered null for row 0/],
  ["[undefined]", /answered undefined for row 0/],
  ["[true]", /answered true for row 0/],
  ["[[1]]", /answered \[1\] for row 0/],
  ["[new Number(1)]", /answered \[object Number\] for row 0/],
  ["[new Date(0)]", /answered \[object Date\] for row 0/],
  ["[{ toJSON: () => 1 }]", /answered a function at toJSON for row 0/],
  ["[{ valueOf: () => 1 }]", /answered a function at valueOf for row 0/],
  ["[new Proxy({}, {})]", /answered a proxy for row 0/],
  ["new Proxy([1], {})", /answered a proxy, which is not a list/],
  ["Object.defineProperty([0], 0, { get: () => 1 })", /answered a getter for row 0/],
  ["[Symbol('s')]", /answered Symbol\(s\) for row 0/],
  ["[() => 1]", /answered a function for row 0/],
  ["(() => { const a = {}; a.a = a; return [a]; })()", /is circular or deeper than 16/],
  ["(() => { const a = []; a[0] = a; return a; })()", /is circular or deeper than 16/],
  ["Float64Array.of(1)", /answered \[object Float64Array\], which is not a list/],
  ["new Set([1])", /answered \[object Set\], which is not a list/],
  ["undefined", /answered undefined, which is not a list/],
  ["null", /answered null, which is not a list/],
  ["5", /answered 5, which is not a list/],
  ["'1'", /answered "1", which is not a list/],
  ["{ 0: 1, length: 1 }", /answered .*, which is not a list/],
  ["[]", /answered 0 entries in place of 1/],
  ["[1, 2]", /answered 2 entries in place of 1/],
  ["Array(4294967295)", /answered a hole for row 0/],
  ["['x'.repeat(300 * 2 ** 20)]", /which is too long for an answer/],
];

it("an answer that is not one number per row is refused with the value and never passed on", async () => {
  const reward = await runner(
    "reward",
    `const answers = [${ANSWERS.map(([answer]) => `(rows) => (${answer})`).join(",\n")}];
     export default (rows) => answers[Number(rows[0].prompt.id)](rows);`,
  );
  for (const [index, [answer, message]] of ANSWERS.entries()) {
    const row = { ...rows[0]!, prompt: { id: String(index), prompt: "say" } };
    await assert.rejects(
      reward.call([row]),
      { code: "module_bad_result", retryable: false, message },
      answer,
    );
  }
});

/** A labelers module's answer to one row, and what the error says of it; undefined if it is a label. */
const LABELS: [string, RegExp?][] = [
  ["0.7"],
  ["{ choice: 'both_bad' }"],
  ["{ choice: 'second', strength: 3, note: 'it rhymes' }"],
  ["1.5", /answered 1\.5 for row 0, which is not a probability/],
  ["'first'", /answered "first" for row 0, which is neither a probability from 0 to 1 nor \{choice/],
  ["null", /answered null for row 0, which is neither/],
  ["{ choice: 'third' }", /for row 0, which has the choice "third", which is none of first, second, tie/],
  ["{ choice: null }", /which has the choice null/],
  ["{ strength: 1 }", /which has the choice undefined/],
  ["{ choice: 'first', strength: 4 }", /which has the strength 4, which is no whole number from 1 to 3/],
  ["{ choice: 'tie', strength: 1 }", /which has a strength, but prefers no answer: "tie"/],
  ["{ choice: 'first', note: 7 }", /which has a note that is no text of up to 4000 characters/],
  ["{ choice: 'first', note: 'x'.repeat(4001) }", /which has a note that is no text/],
  ["{ choice: 'first', reason: 'why' }", /which has the member "reason", which is none of a label's/],
];

it("a labelers module may answer labels; one that is no label is refused with its row", async () => {
  const labelers = await runner(
    "labelers",
    `const answers = [${LABELS.map(([answer]) => answer).join(",\n")}];
     export default (rows) => rows.map(({ seed }) => answers[Number(seed)]);`,
  );
  const { prompt, answer } = rows[0]!;
  const ask = (index: number) =>
    labelers.call([{ prompt, first: answer, second: answer, seed: String(index) }]);
  for (const [index, [answered, message]] of LABELS.entries())
    if (message) await assert.rejects(ask(index), { code: "module_bad_result", message }, answered);
    else assert.equal((await ask(index)).length, 1, answered);
});

it("JSON holds what a module answered, or the answer is refused", () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withSparseArray: true,
    withTypedArray: true,
    withNullPrototype: true,
    withObjectString: true,
  });
  let sent = 0;
  fc.assert(
    fc.property(fc.array(anything, { maxLength: 4 }), (answer) => {
      let copied: unknown;
      try {
        copied = plainAnswer(answer);
      } catch (error) {
        assert.ok(error instanceof UnsendableError);
        return;
      }
      sent++;
      assert.deepEqual(JSON.parse(JSON.stringify(copied)), JSON.parse(JSON.stringify(answer)));
    }),
    { numRuns: 3000 },
  );
  assert.ok(sent > 100, `${sent} answers were sent`);
});

it("a message that is no reply to the call is none, whatever it holds", () => {
  fc.assert(
    fc.property(fc.anything(), (message) => {
      const reply = replyTo(7, message);
      if (reply) assert.equal((message as { call: unknown }).call, 7);
    }),
    { numRuns: 2000 },
  );
  for (const message of [
    null,
    undefined,
    5,
    [],
    {},
    { call: 7 },
    { call: 7, threw: 5 },
    { call: 6, output: [] },
  ])
    assert.equal(replyTo(7, message), undefined);
});

/** What a process that a module has taken over may write into its channel. */
const WRITTEN: [string, string][] = [
  ["bytes that are no frame", "Buffer.from([0, 0, 0, 4, 1, 2, 3, 4])"],
  ["a length of 4 GB and more bytes", "Buffer.alloc(1 << 20, 0xff)"],
  ["null", "frame('null')"],
  ["a number", "frame('5')"],
  ["an answer to another call", `frame('{"call":99,"output":[1]}')`],
  ["an error that is none", `frame('{"call":1,"threw":5}')`],
  ["an empty message", "Buffer.alloc(4)"],
];

for (const [what, bytes] of WRITTEN) {
  it(`${what} on a module's channel ends the module, not the worker`, async () => {
    const source = `
      const frame = (text) => {
        const head = Buffer.alloc(4);
        head.writeUInt32BE(text.length);
        return Buffer.concat([head, Buffer.from(text)]);
      };
      const socket = new (require("net").Socket)({ fd: 3 });
      socket.once("data", () => socket.write(${bytes}));
      setInterval(() => 0, 1000);`;
    const child = spawn(process.execPath, ["-e", source], { stdio: ["ignore", "pipe", "pipe", "pipe"] });
    const ended = once(child, "close");
    const module = new ModuleProcess(child, 2 ** 30);
    const outcome = await module.ask([]);
    assert.ok("wrote" in outcome, JSON.stringify(outcome));
    assert.ok(module.ended);
    await ended;
  });
}
