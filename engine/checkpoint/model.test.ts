import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { initAdapter, mergeAdapter } from "../model/index.ts";
import type { Adapter } from "../model/index.ts";
import { tinyCheckpoint, TINY, writeTinyModel, writeTinyTokenizer } from "../tiny-model.test.support.ts";
import { writeAdapter } from "./adapter.ts";
import { readModel } from "./model.ts";

const dir = await mkdtemp(join(tmpdir(), "ratchet-model-"));
after(() => rm(dir, { recursive: true, force: true }));

const base = join(dir, "base");
await mkdir(base);
await writeTinyModel(base);

/** As training leaves it: B is no longer zero. */
function trainedAdapter(): Adapter {
  const adapter = initAdapter(
    TINY,
    { rank: 2, alpha: 4, targets: ["q_proj", "down_proj"] },
    "0000000000000007",
  );
  for (const [name, { data }] of adapter.weights)
    if (name.endsWith("lora_B.weight")) data.forEach((_, place) => (data[place] = 0.1 * Math.sin(place)));
  return adapter;
}
const merged = mergeAdapter(tinyCheckpoint(), trainedAdapter());

let folders = 0;
/** A folder with the adapter, whose base is named so. */
async function adapterOn(name: unknown): Promise<string> {
  const folder = join(dir, `adapter-${folders++}`);
  await writeAdapter(folder, trainedAdapter());
  const config = JSON.parse(await readFile(join(folder, "adapter_config.json"), "utf8")) as object;
  await writeFile(
    join(folder, "adapter_config.json"),
    JSON.stringify({ ...config, base_model_name_or_path: name }),
  );
  return folder;
}

it("an adapter is its base with it, by an absolute path and by one from its own folder", async () => {
  assert.notDeepEqual(merged, tinyCheckpoint());
  for (const name of [base, "../base", "../base/"])
    assert.deepEqual(await readModel(await adapterOn(name)), {
      checkpoint: merged,
      tokenizerDir: base,
      baseDir: base,
    });
});

it("an adapter beside a whole model is that model with it, where it names its own folder as the base", async () => {
  const folder = await adapterOn(".");
  await cp(base, folder, { recursive: true });
  assert.deepEqual(await readModel(folder), { checkpoint: merged, tokenizerDir: folder, baseDir: folder });
});

it("the tokenizer is the adapter's own where it has one", async () => {
  const folder = await adapterOn(base);
  await writeTinyTokenizer(folder);
  assert.equal((await readModel(folder)).tokenizerDir, folder);
});

it("a whole model with an adapter in a folder of its own, as an export has it, is the whole model", async () => {
  const folder = join(dir, "exported");
  await cp(base, folder, { recursive: true });
  await writeAdapter(join(folder, "adapter"), trainedAdapter());
  assert.deepEqual(await readModel(folder), {
    checkpoint: tinyCheckpoint(),
    tokenizerDir: folder,
    baseDir: folder,
  });
});

it("a base that is no folder here is refused with what to do, and nothing is fetched", async () => {
  const refused: [unknown, RegExp][] = [
    [
      "meta-llama/Llama-3.2-1B",
      /base_model_name_or_path = "meta-llama\/Llama-3\.2-1B", which is no folder here/,
    ],
    [join(base, "config.json"), /config\.json", which is no folder here/],
    [null, /base_model_name_or_path = null, which names no base/],
    [undefined, /base_model_name_or_path = null, which names no base/],
    ["", /base_model_name_or_path = "", which names no base/],
  ];
  for (const [name, message] of refused) {
    await assert.rejects(readModel(await adapterOn(name)), {
      kind: "spec",
      code: "adapter_base_missing",
      message,
      hint: /download the base/,
    });
  }
});

it("a base that is another model than the adapter's, and one that is no model, are named", async () => {
  const other = join(dir, "other");
  await mkdir(other);
  await writeTinyModel(other, tinyCheckpoint({ layers: 1 }));
  await assert.rejects(readModel(await adapterOn(other)), {
    code: "checkpoint_invalid",
    message: /layers\.1/,
  });
  await assert.rejects(readModel(await adapterOn(dir)), {
    code: "artifact_missing",
    message: /config\.json/,
  });
});
