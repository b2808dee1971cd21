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

/** An adapter after training: B is not zero. */
function trainedAdapter(): Adapter {
  const adapter = initAdapter(
    TINY,
    { rank: 2, alpha: 4, targets: ["q_proj", "down_proj"] },
    "0000000000000007",
  );
  for (const [name, { data }] of adapter.weights)
    if (name.endsWith("lora_B.weight")) data.forEach((_, index) => (data[index] = 0.1 * Math.sin(index)));
  return adapter;
}
const merged = mergeAdapter(tinyCheckpoint(), trainedAdapter());

let folders = 0;
/** A folder with the adapter and this name of a base. */
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

it("an adapter's folder is the base with the adapter, named by an absolute or a relative path", async () => {
  assert.notDeepEqual(merged, tinyCheckpoint());
  for (const name of [base, "../base", "../base/"])
    assert.deepEqual(await readModel(await adapterOn(name)), {
      checkpoint: merged,
      tokenizerDir: base,
      baseDir: base,
    });
});

it("a folder with an adapter and a whole model, named as its base, is both merged", async () => {
  const folder = await adapterOn(".");
  await cp(base, folder, { recursive: true });
  assert.deepEqual(await readModel(folder), { checkpoint: merged, tokenizerDir: folder, baseDir: folder });
});

it("the tokenizer is the adapter's if it has one", async () => {
  const folder = await adapterOn(base);
  await writeTinyTokenizer(folder);
  assert.equal((await readModel(folder)).tokenizerDir, folder);
});

it("a whole model with an adapter in a subfolder, as exported, is the whole model", async () => {
  const folder = join(dir, "exported");
  await cp(base, folder, { recursive: true });
  await writeAdapter(join(folder, "adapter"), trainedAdapter());
  assert.deepEqual(await readModel(folder), {
    checkpoint: tinyCheckpoint(),
    tokenizerDir: folder,
    baseDir: folder,
  });
});

it("a base that is no folder is refused with a hint", async () => {
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

it("a base that is another model or no model is an error that names it", async () => {
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
