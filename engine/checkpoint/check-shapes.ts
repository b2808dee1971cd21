// The configuration is held against the shapes in the headers before anything is allocated, because a
// configuration can name sizes that no tensor has.
import { RatchetError } from "../../errors/index.ts";
import { isRewardModel } from "../model/families.ts";
import { weightShapes } from "../model/parameters.ts";
import type { ModelConfig } from "../model/types.ts";
import { cut } from "./read-json.ts";

export type Shapes = ReadonlyMap<string, readonly number[]>;

/** Rotary frequencies in old checkpoints. They follow from the configuration, so they are not read. */
export const isDerived = (name: string): boolean => name.endsWith(".rotary_emb.inv_freq");

/** Throws checkpoint_invalid unless the tensors are exactly those of the configuration, with their shapes. */
export function checkShapes(config: ModelConfig, given: Shapes, dir: string): void {
  checkLayers(config, given, dir);
  const shapes = new Map(weightShapes(config));
  // A tied head may be stored too. It must equal the embedding.
  if (config.tiedEmbeddings && !isRewardModel(config) && given.has("lm_head.weight"))
    shapes.set("lm_head.weight", [config.vocabSize, config.hiddenSize]);
  for (const [name, needed] of shapes) {
    const found = given.get(name);
    if (!found)
      throw new RatchetError("checkpoint_invalid", `${dir} lacks tensor "${cut(name)}"`, {
        hint: "its config.json and its weights belong to different models",
      });
    if (found.join() !== needed.join()) {
      const [has, needs] = [found, needed].map((dims) => `[${cut(dims.join(", "))}]`);
      throw new RatchetError(
        "checkpoint_invalid",
        `tensor "${cut(name)}" of ${dir} has shape ${has}, and config.json needs ${needs}`,
      );
    }
  }
  for (const name of given.keys())
    if (!shapes.has(name) && !isDerived(name))
      throw new RatchetError(
        "checkpoint_invalid",
        `${dir} holds tensor "${cut(name)}", which ${config.architecture} does not have`,
      );
}

/** First, because the list of needed tensors is as long as the number of layers. */
function checkLayers({ layers }: ModelConfig, given: Shapes, dir: string): void {
  const found = new Set([...given.keys()].map((name) => /^model\.layers\.(\d+)\./.exec(name)?.[1]));
  found.delete(undefined);
  if (found.size !== layers)
    throw new RatchetError(
      "checkpoint_invalid",
      `${dir} holds tensors of ${found.size} layers, and config.json has num_hidden_layers = ${layers}`,
      { hint: "its config.json and its weights belong to different models" },
    );
}
