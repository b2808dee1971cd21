import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { readCheckpoint } from "./checkpoint.ts";
import { inspectCheckpoint } from "./inspect.ts";
import { writeSafetensors } from "./safetensors.ts";
import type { WeightType } from "./safetensors.ts";
import { tinyCheckpoint, writeTinyModel } from "../tiny-model.test.support.ts";

const folder = await mkdtemp(join(tmpdir(), "ratchet-inspect-"));
after(() => rm(folder, { recursive: true, force: true }));

const message = (looking: Promise<unknown>): Promise<string> =>
  looking.then(
    () => assert.fail("accepted"),
    (error: Error) => error.message,
  );

it("says of a checkpoint what reading it says, in every type and for each fault", async () => {
  const { config, weights } = tinyCheckpoint({ tiedEmbeddings: true });
  await writeTinyModel(folder, { config, weights });
  const path = join(folder, "model.safetensors");
  const embedding = weights.get("model.embed_tokens.weight")!;
  const other = { shape: embedding.shape, data: embedding.data.map((value) => value + 1) };
  const spoiled = { shape: embedding.shape, data: embedding.data.with(5, NaN) };
  for (const dtype of ["F32", "F16", "BF16"] as WeightType[]) {
    await writeSafetensors(path, weights, dtype);
    const read = await readCheckpoint(folder);
    const parameters = [...read.weights.values()].reduce((sum, { data }) => sum + data.length, 0);
    assert.deepEqual(await inspectCheckpoint(folder), { config: read.config, parameters });
    for (const wrong of [
      new Map([...weights, ["model.embed_tokens.weight", spoiled]]),
      ...(config.tiedEmbeddings ? [new Map([...weights, ["lm_head.weight", other]])] : []),
    ]) {
      await writeSafetensors(path, wrong, dtype);
      assert.equal(await message(inspectCheckpoint(folder)), await message(readCheckpoint(folder)));
    }
  }
});
