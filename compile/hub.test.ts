// Models and data by their names on the hub (test/support/fake-hub.ts): the same campaign as of local files.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, it } from "node:test";
import { fileURLToPath } from "node:url";
import { RatchetError } from "../errors/index.ts";
import { openStore } from "../store/index.ts";
import { FakeHub } from "../test/support/fake-hub.ts";
import { compileSmall, lines, newScratch, prompts } from "./small-campaign.test.support.ts";
import type { SmallCampaign } from "./small-campaign.test.support.ts";

const COMMIT = "1".repeat(40);
const pairs = await readFile(
  fileURLToPath(new URL("../../test/golden/parquet/ultrafeedback-binarized.parquet", import.meta.url)),
);
const scratch = await newScratch();
const fake = await FakeHub.start();
after(async () => {
  await fake.close();
  await rm(scratch, { recursive: true, force: true });
});

/** A checkpoint as a repository has it, beside the same weights in another form. */
const checkpoint = await checkpointFiles();
fake.repos["models/org/start"] = {
  refs: { main: COMMIT },
  commits: { [COMMIT]: { ...checkpoint, "README.md": "# start", "consolidated.safetensors": "other" } },
};
const asked = prompts.map(({ id, messages }) => ({ id, instruction: messages, source: "web" }));
const HEAD = [
  "---",
  "configs:",
  "- config_name: small",
  "  data_files:",
  "  - split: test",
  "    path: data/test.jsonl",
  "  - split: asked",
  "    path: data/asked-*",
  "---",
];
fake.repos["datasets/org/asked"] = {
  refs: { main: COMMIT },
  commits: {
    [COMMIT]: {
      "README.md": HEAD.join("\n"),
      "data/asked-00000-of-00002.jsonl": lines(asked.slice(0, 10)),
      "data/asked-00001-of-00002.jsonl": lines(asked.slice(10)),
      "data/test.jsonl": lines([{ prompt: "red" }]),
    },
  },
};
fake.repos["datasets/org/pairs"] = {
  refs: { "refs/convert/parquet": COMMIT },
  commits: { [COMMIT]: { "default/train_prefs/0000.parquet": pairs, "default/test/0000.parquet": "none" } },
};

const counts = { perIteration: 8, validation: 5, test: 6 };
const reward = { bootstrap: { reward: { batch: 2 } }, score: { reward: "model" as const } };
const local: SmallCampaign = {
  files: {
    ...Object.fromEntries(Object.entries(checkpoint).map(([name, content]) => [`start/${name}`, content])),
    "pairs.parquet": pairs,
  },
  spec: {
    policy: { path: "start" },
    ...reward,
    bootstrap: { ...reward.bootstrap, preferences: { file: "pairs.parquet", ignore: ["messages"] } },
  },
};
const named: SmallCampaign = {
  spec: {
    policy: { hub: "org/start" },
    prompts: {
      hub: "org/asked",
      revision: COMMIT,
      split: "asked",
      ...counts,
      columns: { messages: "instruction" },
      ignore: ["source"],
    },
    ...reward,
    bootstrap: {
      ...reward.bootstrap,
      preferences: {
        hub: "org/pairs",
        revision: "refs/convert/parquet",
        config: "default",
        split: "train_prefs",
        ignore: ["messages"],
      },
    },
  },
};

async function environment(): Promise<Record<string, string>> {
  return { HF_ENDPOINT: fake.endpoint, HF_HUB_CACHE: await mkdtemp(join(scratch, "cache-")) };
}

it("a campaign by names has the compiled spec of the same files, and its sources beside it", async () => {
  const byPath = await compileSmall(scratch, local);
  const byName = await compileSmall(scratch, named, { environment: await environment() });
  const { ignored, ...rest } = byName.compiled;
  assert.deepEqual(ignored, { prompts: ["source"], preferences: ["messages"] });
  const { ignored: ignoredHere, ...same } = byPath.compiled;
  assert.deepEqual(ignoredHere, { preferences: ["messages"] });
  assert.deepEqual(rest, same);
  assert.deepEqual(byPath.summary.sources, []);
  assert.deepEqual(byName.summary.sources, [
    { use: "policy", hub: "org/start", revision: "main", commit: COMMIT },
    {
      use: "prompts",
      hub: "org/asked",
      revision: COMMIT,
      commit: COMMIT,
      split: "asked",
      columns: ["messages: instruction"],
    },
    {
      use: "preferences",
      hub: "org/pairs",
      revision: "refs/convert/parquet",
      commit: COMMIT,
      split: "train_prefs",
      config: "default",
    },
  ]);
  const fetched = fake.asked.map(({ url }) => url).filter((url) => url.includes("/resolve/"));
  assert.ok(!fetched.some((url) => /consolidated|test/.test(url)), fetched.join("\n"));
});

it("what is missing is said before anything is downloaded", async () => {
  const spec = named.spec!;
  const wrong: [SmallCampaign, string, RegExp][] = [
    [
      { spec: { ...spec, prompts: { hub: "org/asked", ...counts } } },
      "hub_unknown",
      /org\/asked has no split train/,
    ],
    [
      { spec: { ...spec, prompts: { hub: "org/asked", config: "big", ...counts } } },
      "hub_unknown",
      /org\/asked has no configuration big/,
    ],
    [
      { spec: { ...spec, prompts: { hub: "org/none", ...counts } } },
      "hub_denied",
      /401 for dataset org\/none/,
    ],
  ];
  for (const [campaign, code, message] of wrong) {
    fake.asked.length = 0;
    const error: unknown = await compileSmall(scratch, campaign, { environment: await environment() }).catch(
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof RatchetError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.ok(fake.asked.every(({ url }) => !url.includes("start/resolve")));
  }
});

it("rows are named by their file in the repository, and a column that no row has is a slip", async () => {
  const refusal = async (prompts: object): Promise<RatchetError> => {
    const spec = { ...named.spec!, prompts: { ...named.spec!.prompts, ...prompts } };
    return compileSmall(scratch, { spec }, { environment: await environment() }).then(
      () => assert.fail("compiled"),
      (error: RatchetError) => error,
    );
  };
  const unread = await refusal({ ignore: [] });
  assert.match(unread.message, /^org\/asked\/data\/asked-00000-of-00002\.jsonl:1: unknown column "source"/);
  const unused = await refusal({ columns: { messages: "instruction", id: "key" } });
  assert.equal(unused.message, "no row of org/asked has the column key");
});

async function checkpointFiles(): Promise<Record<string, Uint8Array>> {
  const store = await openStore("memory:");
  const { compiled } = await compileSmall(scratch, {}, { store });
  const dir = join(scratch, "checkpoint");
  await store.getTree(compiled.policy.tree, dir);
  const names = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"];
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(join(dir, name))] as const)),
  );
}
