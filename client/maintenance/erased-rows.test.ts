import assert from "node:assert/strict";
import { it } from "node:test";
import { canonicalJson } from "../../store/index.ts";
import { objectsOf, withoutPrompt } from "./erased-rows.ts";

const BIG = "1234567890123456789";
const NEIGHBOUR = "1234567890123456788";

it("rows of a prompt are found by all digits of its id; the bytes of the others stay", () => {
  const others = [
    `{"promptId":"${NEIGHBOUR}","text":"a\u2028b\u0085\\ud83d"}`,
    '{ "id" : "x",  "prompt":"other"}',
    "not JSON",
  ].map((line) => Buffer.from(line));
  const broken = Buffer.from('{"id":"caf\xe9"}', "latin1");
  const mine = [
    `{"promptId":"${BIG}","text":"\u2028"}`,
    `{"prompt_id":"${BIG}"}`,
    `{"id":"${BIG}","prompt":"q"}`,
    '{"prompt":"q","completion":"a"}',
  ].map((line) => Buffer.from(line));
  const end = Buffer.from("\n");
  const joined = (lines: Buffer[]): Buffer => Buffer.concat(lines.flatMap((line) => [line, end]));
  const [first, ...more] = mine;
  const bytes = joined([first!, ...others, ...more, broken]);
  const { rows, rest } = withoutPrompt(bytes, BIG, new Set([canonicalJson("q")]));
  assert.equal(rows, 4);
  assert.ok(joined([...others, broken]).equals(rest));
  assert.equal(objectsOf(bytes).length, 6);
});
