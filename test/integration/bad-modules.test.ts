// A reward module that never returns, throws, exits or answers nonsense, in a real campaign: the campaign
// fails with the module's error code and message.
import "../support/quiet.ts";
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Workplace } from "../support/ratchet-command.ts";
import { smallShop } from "../support/small-shop.ts";
import { NO_TEMPORAL, openNamespace } from "../support/temporal.ts";
import type { TestNamespace } from "../support/temporal.ts";
import { STUCK_MS } from "../support/limits.ts";

/** Good in the two rows of the call before the start, so that the fault shows in the campaign. */
const later = (fault: string): string => `export default (rows) => rows.length < 3 ? [0, 1] : ${fault};`;

const MODULES: [string, string, string, RegExp][] = [
  [
    "never returns",
    later("new Promise(() => {})"),
    "module_timeout",
    /the reward module again did not answer \d+ rows within 2 s and was killed \(raise the module's timeout/,
  ],
  [
    "ends its process",
    later("process.exit(3)"),
    "module_died",
    /the reward module's process again ended with exit code 3/,
  ],
  [
    "throws",
    later('(() => { throw new Error("no words for this"); })()'),
    "module_threw",
    /the reward module threw: no words for this/,
  ],
  [
    "returns NaN",
    later("rows.map(() => NaN)"),
    "module_bad_result",
    /the reward module answered NaN for row 0/,
  ],
];

/** A campaign without bootstrap, so that scoring comes soon. Returns the name of the spec. */
async function campaign(
  place: Workplace,
  name: string,
  source: string,
  reward: object = { timeout: "2s" },
): Promise<string> {
  await writeFile(join(place.dir, `${name}.mjs`), source);
  const {
    bootstrap: _bootstrap,
    evaluate: _evaluate,
    ...spec
  } = smallShop({ seed: 1, iterations: 1, perIteration: 8 });
  return place.writeSpec(`${name}.json`, {
    ...spec,
    prompts: { ...spec.prompts, bootstrap: 0 },
    baselines: [],
    score: { reward: { module: `${name}.mjs`, ...reward } },
  });
}

describe("a campaign whose reward module", { skip: NO_TEMPORAL, timeout: STUCK_MS }, () => {
  let temporal: TestNamespace;
  let place: Workplace;
  before(async () => {
    temporal = await openNamespace();
    place = await Workplace.openOn(temporal);
    place.start(["worker"]);
  });
  after(async () => {
    await place?.close();
    await temporal?.close();
  });

  for (const [what, source, code, words] of MODULES) {
    it(`${what} ends with ${code}`, async () => {
      const ran = await place.run("run", await campaign(place, code, source), "--id", code);
      assert.equal(ran.exit, 10, ran.stderr);
      assert.match(ran.stderr, new RegExp(`^error ${code}: `, "m"));
      assert.match(ran.stderr, words);
      const status = JSON.parse((await place.run("status", code, "--json")).stdout) as { status: string };
      assert.equal(status.status, "failed");
    });
  }
});

it(
  "a campaign waits for a worker that has the reward module's key, and says so",
  { skip: NO_TEMPORAL, timeout: STUCK_MS },
  async () => {
    const temporal = await openNamespace();
    const place = await Workplace.openOn(temporal);
    try {
      const worker = place.start(["worker"]);
      const source = [
        "export default (rows) => {",
        'if (process.env.KEY !== "hush") throw new Error("no key");',
        "return rows.map((_, at) => at);",
        "};",
      ].join(" ");
      const started = await place.run(
        "start",
        await campaign(place, "keyed", source, { env: { KEY: "env:REWARD_KEY" } }),
        "--id",
        "keyed",
      );
      assert.equal(started.exit, 0, started.stderr);
      let status = "";
      for (let tries = 0; !status.includes("module_env_missing"); tries++) {
        assert.ok(tries < 200, `status does not name the missing key: ${status}`);
        status = (await place.run("status", "keyed", "--json")).stdout;
      }
      assert.match(
        status,
        /the reward module needs REWARD_KEY, which is not in the environment of the worker/,
      );
      assert.equal((JSON.parse(status) as { status: string }).status, "running");

      const ended = new Promise((resolve) => worker.once("exit", resolve));
      worker.kill("SIGTERM");
      await ended;
      place.env["REWARD_KEY"] = "hush";
      place.start(["worker"]);
      const waited = await place.run("watch", "keyed");
      assert.equal(waited.exit, 0, waited.stderr);
    } finally {
      await place.close();
      await temporal.close();
    }
  },
);
