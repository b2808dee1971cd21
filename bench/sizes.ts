// The models of the bench: Llama shapes with random weights, or a given checkpoint in place of the smallest.
// Tokens are characters.
//
// Channel 0 of the residual stream sets the logit of the end token: every embedding has `CARRIER` there, and
// no layer writes to it. After the last norm its value is therefore the same at every position, and the end
// token's row of the head turns it into the chosen logit. So "never ends" and "ends after about n tokens" are
// properties of the weights, and no engine needs a special case.
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  initCheckpoint,
  readCheckpoint,
  readConfig,
  rewardModelFrom,
  writeCheckpoint,
} from "../engine/index.ts";
import type { Checkpoint } from "../engine/index.ts";
import { BOS, EOS, tokenizerFiles } from "./tokenizer.ts";

export type Size = keyof typeof shapes;

interface Shape {
  hidden_size: number;
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  num_key_value_heads: number;
  head_dim: number;
  vocab_size: number;
  max_position_embeddings: number;
}

const shape = (
  hidden_size: number,
  intermediate_size: number,
  num_hidden_layers: number,
  num_attention_heads: number,
  num_key_value_heads: number,
  head_dim: number,
  vocab_size: number,
  max_position_embeddings: number,
): Shape => ({
  hidden_size,
  intermediate_size,
  num_hidden_layers,
  num_attention_heads,
  num_key_value_heads,
  head_dim,
  vocab_size,
  max_position_embeddings,
});

export const shapes = {
  "0.9M": shape(128, 352, 5, 8, 4, 16, 105, 256),
  "3.4M": shape(256, 800, 4, 8, 4, 32, 512, 512),
  "25M": shape(512, 1376, 8, 8, 4, 64, 4096, 512),
  // the shape of SmolLM-135M
  "135M": shape(576, 1536, 30, 9, 3, 64, 49152, 1024),
} satisfies Record<string, Shape>;

/**
 * Floating-point operations of training on one token in a row of `length` tokens. Forward: 2 per weight, and
 * for causal attention 4 per channel of q and visible position, which are length / 2 on average. Backward:
 * twice as many.
 */
export function trainingFlops(size: Size, length: number): number {
  const {
    hidden_size: d,
    intermediate_size: f,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    num_key_value_heads: kv,
    head_dim,
    vocab_size,
  } = shapes[size];
  const weights = layers * (2 * d * heads * head_dim + 2 * d * kv * head_dim + 3 * d * f) + vocab_size * d;
  return 3 * (2 * weights + layers * 4 * heads * head_dim * (length / 2));
}

/**
 * plain: as initialised; endless: never ends; answers: ends after `answerTokens` on average; reward: a reward
 * model.
 */
export type Flavour = "plain" | "endless" | "answers" | "reward";

export const answerTokens = 48;
/** Much larger than the other channels (about 0.1), so that they hardly change the norm. */
const CARRIER = 4;
/** Logit far below the others: drawn once in 10¹³ tokens. */
const NEVER = -30;
const SEED = "00000000000000be";

export class Models {
  private readonly dir: string;
  private readonly checkpoint: string | undefined;

  /** checkpoint: a folder that replaces the smallest size. */
  constructor(dir: string, checkpoint?: string) {
    this.dir = dir;
    this.checkpoint = checkpoint;
  }

  /**
   * Returns the folder of a model, and creates it if it is missing. A given checkpoint is copied: peers write
   * beside the weights.
   */
  async folder(size: Size, flavour: Flavour): Promise<string> {
    const given = size === "0.9M" ? this.checkpoint : undefined;
    const dir = join(this.dir, `${given === undefined ? size : "given"}-${flavour}`);
    if (given !== undefined) await rm(dir, { recursive: true, force: true });
    if (existsSync(dir)) return dir;
    const part = `${dir}.part`;
    await rm(part, { recursive: true, force: true });
    await (given === undefined ? this.make(part, size, flavour) : adopt(part, given, flavour));
    await rename(part, dir);
    return dir;
  }

  private async make(dir: string, size: Size, flavour: Flavour): Promise<void> {
    await writeShape(dir, shapes[size]);
    const checkpoint = initCheckpoint(await readConfig(dir), SEED);
    if (flavour === "reward") return writeReward(dir, checkpoint, dir);
    if (flavour === "endless") setEnd(checkpoint, NEVER);
    if (flavour === "answers")
      setEnd(checkpoint, Math.log((checkpoint.config.vocabSize - 1) / (answerTokens - 1)));
    await writeCheckpoint(dir, checkpoint, dir);
  }
}

async function writeShape(dir: string, { vocab_size, ...rest }: Shape): Promise<void> {
  await mkdir(dir, { recursive: true });
  const config = {
    architectures: ["LlamaForCausalLM"],
    model_type: "llama",
    vocab_size,
    ...rest,
    rope_theta: 10000,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: true,
    bos_token_id: BOS,
    eos_token_id: EOS,
    pad_token_id: 3,
  };
  for (const [name, content] of Object.entries({ "config.json": config, ...tokenizerFiles(vocab_size) }))
    await writeFile(join(dir, name), JSON.stringify(content));
}

async function writeReward(dir: string, policy: Checkpoint, tokenizerDir: string): Promise<void> {
  // transformers reads the reward before the first pad token, so the pad token must not be the end token.
  const { config, weights } = rewardModelFrom(policy, SEED);
  await writeCheckpoint(dir, { config: { padId: 0, ...config }, weights }, tokenizerDir);
}

/**
 * Gives the end token this logit relative to the mean of the others. Embeddings are tied: the head's rows are
 * the embeddings.
 */
function setEnd({ config, weights }: Checkpoint, logit: number): void {
  const columns = config.hiddenSize;
  for (const [name, { data }] of weights) {
    if (/(o_proj|down_proj)\.weight$/.test(name)) data.fill(0, 0, data.length / columns);
  }
  const embeddings = weights.get("model.embed_tokens.weight")!.data;
  for (let row = 0; row < config.vocabSize; row++) embeddings[row * columns] = CARRIER;
  // After the norm the carrier is nearly √hidden, because it has nearly all of the mean square.
  embeddings.fill(0, EOS * columns, (EOS + 1) * columns);
  embeddings[EOS * columns] = CARRIER + logit / Math.sqrt(columns);
}

/** Copies a given checkpoint, which ends its answers by itself. */
async function adopt(dir: string, given: string, flavour: Flavour): Promise<void> {
  if (flavour === "reward") return writeReward(dir, await readCheckpoint(given), given);
  await mkdir(dir, { recursive: true });
  // Copies contents and not modes, because the originals may be read-only.
  const files = (await readdir(given, { withFileTypes: true })).filter((entry) => !entry.isDirectory());
  for (const { name } of files) await writeFile(join(dir, name), await readFile(join(given, name)));
  if (flavour === "endless") await renameEnd(dir);
}

/** A trained model never draws the BOS: with the BOS as end token it never ends. */
async function renameEnd(dir: string): Promise<void> {
  const edit = async (
    name: string,
    change: (json: Record<string, unknown>) => Record<string, unknown>,
  ): Promise<void> => {
    const path = join(dir, name);
    await writeFile(
      path,
      JSON.stringify(change(JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>)),
    );
  };
  await edit("config.json", (json) => ({ ...json, eos_token_id: json["bos_token_id"] }));
  await edit("tokenizer_config.json", (json) => ({ ...json, eos_token: json["bos_token"] }));
}
