// A checkpoint of bf16 shards with random weights, of about the wanted size: one layer a shard.
import { randomFillSync } from "node:crypto";
import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { formatConfig } from "../../engine/index.ts";
import type { ModelConfig } from "../../engine/index.ts";
import { weightShapes } from "../../engine/model/parameters.ts";

const HIDDEN = 4096;
/** A layer of this shape has 500 MB. */
const INTERMEDIATE = 16_384;

export async function writeModel(dir: string, bytes: number): Promise<void> {
  const layers = Math.max(1, Math.round(bytes / (250e6 * 2)));
  const config: ModelConfig = {
    architecture: "LlamaForCausalLM",
    vocabSize: 1000,
    hiddenSize: HIDDEN,
    intermediateSize: INTERMEDIATE,
    layers,
    heads: 32,
    kvHeads: 8,
    headSize: 128,
    maxPositions: 2048,
    ropeTheta: 10_000,
    rmsEpsilon: 1e-5,
    tiedEmbeddings: true,
    eosIds: [2],
    bosId: 1,
    padId: undefined,
  };
  await mkdir(dir, { recursive: true });
  await writeFile(join(dir, "config.json"), formatConfig(config, "BF16"));
  const weightMap: Record<string, string> = {};
  for (let shard = 0; shard < layers; shard++) {
    const name = `model-${five(shard + 1)}-of-${five(layers)}.safetensors`;
    const tensors = [...weightShapes(config)].filter(([tensor]) => shardOf(tensor) === shard);
    for (const [tensor] of tensors) weightMap[tensor] = name;
    await writeShard(join(dir, name), tensors);
  }
  await writeFile(join(dir, "model.safetensors.index.json"), JSON.stringify({ weight_map: weightMap }));
}

const five = (value: number): string => String(value).padStart(5, "0");
const shardOf = (tensor: string): number => Number(/^model\.layers\.(\d+)\./.exec(tensor)?.[1] ?? 0);

async function writeShard(path: string, tensors: (readonly [string, readonly number[]])[]): Promise<void> {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  let end = 0;
  for (const [name, shape] of tensors) {
    const from = end;
    end += shape.reduce((a, b) => a * b, 2);
    header[name] = { dtype: "BF16", shape, data_offsets: [from, end] };
  }
  const json = JSON.stringify(header);
  const text = Buffer.from(json + " ".repeat((8 - (Buffer.byteLength(json) % 8)) % 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const file = await open(path, "w");
  try {
    await file.writeFile(Buffer.concat([length, text]));
    for (let left = end; left > 0; left -= 2 ** 24)
      await file.writeFile(randomWeights(Math.min(left, 2 ** 24)));
  } finally {
    await file.close();
  }
}

/** Random numbers below 1: the top bit of the exponent is 0, so none is infinite. */
function randomWeights(bytes: number): Buffer {
  const block = randomFillSync(Buffer.alloc(bytes));
  for (let at = 1; at < bytes; at += 2) block[at]! &= 0xbf;
  return block;
}
