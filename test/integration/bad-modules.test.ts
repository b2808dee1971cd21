// A reward module that never returns, throws, dies or answers nonsense, in a real campaign: it ends with the module's code and words.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Workplace } from "../support/ratchet-command.ts";
import { SHOP_DIR, smallShop } from "../support/small-shop.ts";
import { NO_TEMPORAL, openNamespace } from "../support/temporal.ts";
import type { TestNamespace } from "../support/temporal.ts";

const MODULES: [string, string, string, RegExp][] = [
  ["never returns", "export default () => new Promise(() => {});", "module_timeout", /the reward module again did not answer \d+ rows within 2 s and was killed \(raise the module's timeout/],
  ["ends its process", "export default () => process.exit(3);", "module_died", /the reward module's process again ended with exit code 3/],
  ["throws", 'export default () => { throw new Error("no words for this"); };', "module_threw", /the reward module threw: no words for this/],
  ["returns NaN", "export default (rows) => rows.map(() => NaN);", "module_bad_result", /the reward module answered NaN for row 0/],
];

describe("a campaign whose reward module", { skip: NO_TEMPORAL, timeout: 300_000 }, () => {
  let temporal: TestNamespace;
  let place: Workplace;
  before(async () => {
    temporal = await openNamespace();
    place = await Workplace.open({ RATCHET_STORE: "dir:store", RATCHET_CHILDREN: "1", RATCHET_THREADS: "1", TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: temporal.namespace });
    place.start(["worker"]);
  });
  after(async () => {
    await place?.close();
    await temporal?.close();
  });

  /** No bootstrap: the first answers are noise, and scored all the same. */
  async function campaign(name: string, source: string): Promise<string> {
    await writeFile(join(place.dir, `${name}.mjs`), source);
    const { bootstrap: _bootstrap, evaluate: _evaluate, ...spec } = smallShop({ seed: 1, iterations: 1, perIteration: 8 });
    const prompts = { ...spec.prompts, preferences: 0, module: join(SHOP_DIR, "prompts.ts") };
    const policy = { init: { ...spec.policy.init, tokenizer: join(SHOP_DIR, "tokenizer") } };
    await writeFile(join(place.dir, `${name}.json`), JSON.stringify({ ...spec, policy, prompts, baselines: [], score: { reward: { module: `${name}.mjs`, timeout: "2s" } } }));
    return `${name}.json`;
  }

  for (const [what, source, code, words] of MODULES) {
    it(`${what} ends with ${code}`, async () => {
      const ran = await place.run("run", await campaign(code, source), "--id", code);
      assert.equal(ran.exit, 10, ran.stderr);
      assert.match(ran.stderr, new RegExp(`^error ${code}: `, "m"));
      assert.match(ran.stderr, words);
      const status = JSON.parse((await place.run("status", code, "--json")).stdout) as { status: string };
      assert.equal(status.status, "failed");
    });
  }
});
