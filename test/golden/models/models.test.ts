// Compares the engine with transformers for every model family and option, by the golden files of make.py.
import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { formatConfig, parseConfig, readAdapter, readModel, writeCheckpoint } from "../../../engine/index.ts";
import { rotaryTables } from "../../../engine/model/index.ts";
import {
  adapterDifferences,
  adapterOf,
  adapters,
  at,
  checkpointOf,
  decoded,
  differences,
  lastLogits,
  limits,
  readGolden,
  saved,
  variants,
} from "./golden.ts";
import type { Differences, GoldenAdapter } from "./golden.ts";

function assertWithin(found: Partial<Differences>): void {
  for (const [what, difference] of Object.entries(found))
    assert.ok(difference < limits[what as keyof Differences], `${what} differ by ${difference}`);
}

for (const name of [...variants, ...saved]) {
  it(`${name} computes, differentiates and learns as in transformers`, async (context) => {
    const golden = await readGolden(name);
    const found = await differences(await checkpointOf(name, golden), golden);
    context.diagnostic(`largest differences: ${JSON.stringify(found)}`);
    assertWithin(found);
    assert.ok(golden.losses.at(-1)! < golden.losses[0]! - 0.1, "the golden steps teach nothing");
  });

  it(`${name} decodes transformers' ids through the cache`, async () => {
    const golden = await readGolden(name);
    const ids = await decoded(
      await checkpointOf(name, golden),
      golden.decoded.map(({ promptIds }) => promptIds),
      golden.decoded[0]!.ids.length,
    );
    assert.deepEqual(
      ids,
      golden.decoded.map((row) => row.ids),
    );
  });

  it(`the configuration of ${name} survives being written`, async () => {
    const { config } = await checkpointOf(name, await readGolden(name));
    assert.deepEqual(parseConfig(JSON.parse(formatConfig(config)), "config.json"), config);
  });
}

for (const name of adapters) {
  it(`${name} differentiates and learns as in PEFT, and merges to the same model`, async (context) => {
    const golden = await readGolden<GoldenAdapter>(name);
    const found = await adapterDifferences(golden);
    context.diagnostic(`largest differences: ${JSON.stringify(found)}`);
    assertWithin(found);
    assert.ok(golden.losses.at(-1)! < golden.losses[0]! - 0.1, "the golden steps teach nothing");
  });
}

it("reads an adapter that PEFT saved", async () => {
  const { base, adapter } = await adapterOf(await readGolden<GoldenAdapter>("lora-qwen3"));
  assert.deepEqual(await readAdapter(at("lora-qwen3"), base.config), adapter);
});

it("a folder that PEFT saved gives PEFT's merged model, if it names the folder of its base", async () => {
  const golden = await readGolden<GoldenAdapter>("lora-qwen3");
  const { base } = await adapterOf(golden);
  const dir = await mkdtemp(join(tmpdir(), "ratchet-peft-"));
  try {
    await writeCheckpoint(join(dir, "base"), base, at("lora-qwen3"));
    await cp(at("lora-qwen3"), join(dir, "adapter"), { recursive: true });
    await assert.rejects(readModel(join(dir, "adapter")), { code: "adapter_base_missing" });
    const config = join(dir, "adapter", "adapter_config.json");
    await writeFile(
      config,
      JSON.stringify({ ...JSON.parse(await readFile(config, "utf8")), base_model_name_or_path: "../base" }),
    );
    const { checkpoint } = await readModel(join(dir, "adapter"));
    const logits = await lastLogits(checkpoint, golden.rows);
    const difference = Math.max(
      ...golden.rows
        .flatMap((row) => row.lastLogits)
        .map((theirs, place) => Math.abs(theirs - logits[place]!)),
    );
    assert.ok(difference < limits.logits, `logits differ by ${difference}`);
    assert.notDeepEqual(await lastLogits(base, golden.rows), logits);
  } finally {
    await rm(dir, { recursive: true });
  }
});

it("rotary tables are transformers' at positions up to 131,071", async () => {
  const tables =
    await readGolden<
      { config: Record<string, unknown>; positions: number[]; cos: number[][]; sin: number[][] }[]
    >("rotary");
  for (const { config, positions, cos, sin } of tables) {
    const parsed = parseConfig(config, "config.json");
    const ours = rotaryTables(parsed, parsed.maxPositions);
    const half = parsed.headSize / 2;
    positions.forEach((position, row) => {
      for (const [table, expected] of [
        [ours.cos, cos],
        [ours.sin, sin],
      ] as const) {
        // transformers rounds the angle to single precision, and so does the engine: without it the
        // difference is 1e-3.
        expected[row]!.forEach((value, index) =>
          assert.ok(
            Math.abs(value - Number(table.data[position * half + 3 * index])) < 2e-7,
            `position ${position}, pair ${3 * index}`,
          ),
        );
      }
    });
  }
});

it("docs/parity.md has a row for every model", async () => {
  const document = await readFile(at("../../../docs/parity.md"), "utf8");
  for (const name of [...variants, ...saved, ...adapters])
    assert.ok(
      document.includes(`| \`${name}\` |`),
      `${name}: node dist/test/golden/models/parity.js rewrites the table`,
    );
});
