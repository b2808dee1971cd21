// The two graphs of generation. `prefill` computes whole prompts and returns their keys and values. `step`
// computes one token per row. It only reads the cache; the caller stores the new keys and values that it
// returns (cache.ts). Both use standard operations, because onnxruntime's fused attention operators copy the
// whole cache in each step.
//
// The weights of `step` are constants, which onnxruntime packs once: with few rows, packing in each run costs
// more than the product. Packed products also have the same bits on any number of threads. `prefill` has many
// rows, and its weights are inputs.
//
// Shapes: B rows, U unique prompts, T prompt positions, S cache slots, D hidden, H heads, K key/value heads,
// G = H/K, d head size, V vocabulary.
import { Graph } from "../graph/index.ts";
import type { Value } from "../graph/index.ts";
import { sum } from "../graph/value.ts";
import type { Tensor } from "../graph/value.ts";
import {
  declareParameters,
  declareSegments,
  feedForward,
  headOf,
  logits,
  normHeads,
  project,
} from "../model/index.ts";
import type { KeysValues, ModelConfig, Parameters } from "../model/index.ts";
import { Tape } from "../ops/tape.ts";

/** ln softmax over the vocabulary. */
function logSoftmax(t: Tape, logits_BV: Value): Value {
  return t.graph.one("LogSoftmax", [logits_BV], logits_BV, { axis: -1 });
}

/** The square root of the scores' factor 1/√d: queries and keys are both multiplied by it. */
export function keyScale({ headSize }: ModelConfig): number {
  return headSize ** -0.25;
}

/**
 * Prompts as segments, and the index of the last token of each → logps [U,V], and new.i [K,R,T,d], two for
 * each layer.
 */
export function prefillGraph(config: ModelConfig): Graph {
  const t = new Tape(new Graph("few"));
  const parameters = declareParameters(t, config);
  const segments = declareSegments(t, config, 1, { learning: false });
  const cache: KeysValues[] = [];
  const logits_UV = logits(
    t,
    config,
    parameters,
    segments,
    { index: t.graph.input("index", "int64", ["M"]) },
    cache,
  );
  t.graph.output("logps", logSoftmax(t, logits_UV));
  cache.forEach(({ keys, values }, layer) => {
    t.graph.output(`new.${2 * layer}`, t.mul(keys, t.number(keyScale(config), keys)));
    t.graph.output(`new.${2 * layer + 1}`, values);
  });
  return t.graph;
}

interface StepInputs {
  t: Tape;
  config: ModelConfig;
  parameters: Parameters;
  cos: Value;
  sin: Value;
  /** The token's position in its row, [B,1]. */
  positions: Value;
  /**
   * Added to scores, [B,1,1,S+1]: 0 for the token itself (first) and for filled slots, a very negative number
   * for empty slots.
   */
  bias: Value;
  /** The new key and value of each layer, [B,K,1,d], are appended to it. */
  made: Value[];
}

/** The norms of queries and keys qk [B,H+K,1,d], if the model has them. */
function normedHeads({ t, config, parameters }: StepInputs, name: string, qk: Value): Value {
  if (!parameters.has(`${name}.q_norm.weight`)) return qk;
  const [q, k] = t.split(qk, 1, [config.heads, config.kvHeads]) as [Value, Value];
  return t.concat(
    [normHeads(t, config, parameters, name, "q", q), normHeads(t, config, parameters, name, "k", k)],
    1,
  );
}

function attention(inputs: StepInputs, layer: number, x_BD: Value): Value {
  const { t, config, parameters, bias } = inputs;
  const { heads: H, kvHeads: K, headSize: d } = config;
  const G = H / K;
  const keys_BKSd = t.graph.input(`cache.${2 * layer}`, "float32", ["B", K, "S", d]);
  const values_BKSd = t.graph.input(`cache.${2 * layer + 1}`, "float32", ["B", K, "S", d]);
  const name = `model.layers.${layer}.self_attn`;
  const qkv = project(t, parameters, `${name}.qkv_proj`, x_BD);
  const [qk, v_BK1d] = t.split(t.reshape(qkv, ["B", H + 2 * K, 1, d]), 1, [H + K, K]) as [Value, Value];
  const [q, k_BK1d] = t.split(
    t.rotary(normedHeads(inputs, name, qk), inputs.cos, inputs.sin, inputs.positions),
    1,
    [H, K],
  ) as [Value, Value];
  inputs.made.push(k_BK1d, v_BK1d);
  const q_BKGd = t.reshape(q, ["B", K, G, d]);
  // The token's own key and value are not in the cache yet. Their column is the first, computed elementwise.
  const own_BKG1 = t.reduceSum(t.mul(q_BKGd, k_BK1d), [3]);
  const shares = t.softmax(
    t.add(t.concat([own_BKG1, t.matmul(q_BKGd, keys_BKSd, { transposeB: true })], 3), bias),
  );
  const [ownShare, cacheShares] = t.graph.node(
    "Split",
    [shares, t.graph.shape([1, "S"])],
    [own_BKG1, { dtype: "float32", shape: ["B", K, G, "S"] }],
    { axis: 3 },
  ) as [Value, Value];
  const mixed_BKGd = t.add(t.mul(ownShare, v_BK1d), t.matmul(cacheShares, values_BKSd));
  return project(t, parameters, `${name}.o_proj`, t.reshape(mixed_BKGd, ["B", H * d]));
}

/**
 * tokens [B], positions [B,1], cos and sin times keyScale [P,d/2], bias and the cache's blocks → logps [B,V],
 * and `new` [2L·B,K,1,d]: keys and values, block by block.
 */
export function stepGraph(config: ModelConfig, weights: ReadonlyMap<string, Tensor>): Graph {
  const t = new Tape(new Graph("few"));
  const parameters = new Map([...weights].map(([name, tensor]) => [name, t.graph.weight(name, tensor)]));
  const tokens = t.graph.input("tokens", "int64", ["B"]);
  const inputs: StepInputs = {
    t,
    config,
    parameters,
    cos: t.graph.input("cos", "float32", ["P", config.headSize / 2]),
    sin: t.graph.input("sin", "float32", ["P", config.headSize / 2]),
    positions: t.graph.input("positions", "int64", ["B", 1]),
    bias: t.graph.input("bias", "float32", ["B", 1, 1, sum([1, "S"])]),
    made: [],
  };
  const norm = (name: string, x: Value): Value =>
    t.rmsNorm(x, parameters.get(`model.${name}.weight`) as Value, config.rmsEpsilon);
  let x_BD = t.gather(parameters.get("model.embed_tokens.weight") as Value, tokens);
  for (let layer = 0; layer < config.layers; layer++) {
    x_BD = t.add(x_BD, attention(inputs, layer, norm(`layers.${layer}.input_layernorm`, x_BD)));
    x_BD = t.add(
      x_BD,
      feedForward(t, parameters, layer, norm(`layers.${layer}.post_attention_layernorm`, x_BD)),
    );
  }
  t.graph.output("logps", logSoftmax(t, t.linear(norm("norm", x_BD), headOf(config, parameters))));
  // One output, because each output costs as much as an operation.
  t.graph.output("new", t.concat(inputs.made, 0));
  return t.graph;
}
