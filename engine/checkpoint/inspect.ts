// The checks of `readCheckpoint` in little memory: a block of a tensor at a time, so that a model of any size
// can be checked before it is uploaded.
import type { ModelConfig } from "../model/types.ts";
import { isDerived } from "./check-shapes.ts";
import { otherHead, readHeaders, sameBits } from "./checkpoint.ts";
import { notFinite, tensorBlocks, unfit } from "./safetensors.ts";
import type { WeightsFile } from "./safetensors-header.ts";

export interface Inspected {
  config: ModelConfig;
  /** Without a stored head that the embedding is tied to. */
  parameters: number;
}

const HEAD = "lm_head.weight";
const EMBEDDING = "model.embed_tokens.weight";

/** Throws unless the tensors are exactly those of the configuration, with their shapes and finite. */
export async function inspectCheckpoint(dir: string): Promise<Inspected> {
  const { config, files } = await readHeaders(dir);
  let parameters = 0;
  for (const file of files)
    for (const [name, { shape }] of file.entries) {
      if (isDerived(name)) continue;
      const count = shape.reduce((a, b) => a * b, 1);
      await refuseNotFinite(file, name, count, dir);
      if (!(config.tiedEmbeddings && name === HEAD)) parameters += count;
    }
  if (config.tiedEmbeddings) await refuseOtherHead(files, dir);
  return { config, parameters };
}

async function refuseNotFinite(file: WeightsFile, name: string, count: number, dir: string): Promise<void> {
  let before = 0;
  for await (const block of tensorBlocks(file, name)) {
    const at = notFinite(block);
    if (at >= 0)
      throw unfit(`tensor "${name}" of ${dir} holds ${block[at]} (element ${before + at} of ${count})`);
    before += block.length;
  }
}

async function refuseOtherHead(files: readonly WeightsFile[], dir: string): Promise<void> {
  const holding = (name: string) => files.find(({ entries }) => entries.has(name));
  const [head, embedding] = [holding(HEAD), holding(EMBEDDING)];
  if (!head) return;
  if (!embedding) throw otherHead(dir);
  const blocks = tensorBlocks(embedding, EMBEDDING);
  for await (const block of tensorBlocks(head, HEAD)) {
    const other = await blocks.next();
    if (other.done || !sameBits(block, other.value)) throw otherHead(dir);
  }
}
