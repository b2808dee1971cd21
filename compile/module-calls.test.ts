// Modules are called once before a campaign starts.
import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { after, describe, it } from "node:test";
import type { RatchetError } from "../errors/index.ts";
import { compileSmall, newScratch, prompts } from "./small-campaign.test.support.ts";

const scratch = await newScratch();
after(() => rm(scratch, { recursive: true, force: true }));

const reward = (source: string, more: object = {}) => ({
  files: { "reward.ts": source },
  spec: { score: { reward: { module: "reward.ts", ...more } } },
});

const BAD: [what: string, source: string, code: string, message: RegExp][] = [
  ["throws", "export default () => { throw new Error('no words'); };", "module_threw", /no words/],
  [
    "throws while it is loaded",
    "throw new Error('no start'); export default () => [];",
    "module_threw",
    /no start/,
  ],
  ["returns NaN", "export default (rows) => rows.map(() => NaN);", "module_bad_result", /NaN/],
  ["returns too few", "export default () => [1];", "module_bad_result", /1 entries in place of 2/],
  ["ends its process", "export default () => process.exit(3);", "module_died", /exit code 3/],
  ["never returns", "export default () => new Promise(() => {});", "module_timeout", /within 2 s/],
];

describe("a reward module is refused if it", { concurrency: 2 }, () => {
  for (const [what, source, code, message] of BAD)
    it(what, async () => {
      const campaign = reward(source, { timeout: "2s" });
      await assert.rejects(
        compileSmall(scratch, campaign, { callModules: "offline" }),
        (error: RatchetError) => {
          assert.equal(error.code, code, error.stack);
          assert.match(error.message, message);
          assert.match(error.message, /reward\.ts, called once with prompt \w+-\w+-\w+ and two answers/);
          return true;
        },
      );
    });
});

it("every role is called with a real prompt of its split and two different answers", async () => {
  const known = JSON.stringify(prompts.map(({ id }) => id));
  const check =
    `const known = ${known};\n` +
    "const real = ({ prompt }) => { if (!known.includes(prompt.id)) throw new Error('no such prompt'); };\n";
  const judge =
    `${check}export default (rows) => rows.map((row) => { real(row); ` +
    "if (row.first.text === row.second.text) throw new Error('same'); return 1; });";
  const scorer = `${check}export default (rows) => rows.map((row) => (real(row), row.answer.text.length));`;
  const { summary } = await compileSmall(
    scratch,
    {
      files: {
        "reward.ts": scorer,
        "judge.ts": judge,
        "gold.ts": `${check}export default (rows) => rows.map((row) => (real(row), { total: 1 }));`,
      },
      spec: { evaluate: { judge: { module: "judge.ts" }, gold: { module: "gold.ts" } } },
    },
    { callModules: "offline" },
  );
  assert.deepEqual(
    new Map(summary.calls.map(({ role, called }) => [role, called])),
    new Map([
      ["reward", true],
      ["judge", true],
      ["gold", true],
    ]),
  );
});

it("a module without its variables, or with network, is not called, and the summary says why", async () => {
  const throws = "export default () => { throw new Error('called'); };";
  const keyed = reward(throws, { env: { KEY: "env:JUDGE_KEY", URL: "env:JUDGE_URL" } });
  const { summary } = await compileSmall(scratch, keyed, {
    callModules: "all",
    environment: { JUDGE_URL: "here" },
  });
  assert.deepEqual(summary.calls, [
    { role: "reward", name: "reward.ts", called: false, note: "JUDGE_KEY not set here" },
  ]);

  const paid = reward(throws, { network: true });
  const [call] = (await compileSmall(scratch, paid, { callModules: "offline" })).summary.calls;
  assert.equal(call?.called, false);
  assert.match(call?.note ?? "", /--call-modules/);
  await assert.rejects(compileSmall(scratch, paid, { callModules: "all" }), { code: "module_threw" });
});

it("a module that asks for another try is not refused", async () => {
  const busy = "export default () => { throw Object.assign(new Error('busy'), { retryable: true }); };";
  const [call] = (await compileSmall(scratch, reward(busy), { callModules: "offline" })).summary.calls;
  assert.equal(call?.called, true);
  assert.match(call?.note ?? "", /asked for another try: .*busy/);
});

it("the first module that fails ends the calls of the others", async () => {
  const files = {
    "reward.ts": "export default () => { throw new Error('no words'); };",
    "judge.ts": "export default () => new Promise(() => {});",
  };
  const startedAt = performance.now();
  const compiled = compileSmall(
    scratch,
    { files, spec: { evaluate: { judge: { module: "judge.ts", timeout: "60s" } } } },
    { callModules: "offline" },
  );
  await assert.rejects(compiled, { code: "module_threw", message: /no words/ });
  assert.ok(performance.now() - startedAt < 50_000, "the judge's limit is 60 s");
});
