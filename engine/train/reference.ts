// Log-probabilities of all answers under the reference policy: computed once per run, before step 1.
import { toOrt } from "../graph/session.ts";
import { Session } from "../graph/session.ts";
import type { SessionOptions } from "../graph/session.ts";
import { encodeForLogps } from "../model/encode.ts";
import type { Sequence } from "../model/encode.ts";
import { packWeights, parametersOf } from "../model/parameters.ts";
import { rotaryTables } from "../model/rotary.ts";
import type { Checkpoint } from "../model/types.ts";
import { logpsGraph } from "./graphs.ts";

/** Sequences per forward pass. */
const batch = 32;

/** One sum per sequence, in the order given. Batches hold sequences of similar length. */
export async function referenceLogps(reference: Checkpoint, sequences: readonly Sequence[], options: SessionOptions, signal?: AbortSignal): Promise<number[]> {
  const { config } = reference;
  const session = await Session.create(logpsGraph(config), options);
  try {
    const packed = packWeights(config, reference.weights);
    const { cos, sin } = rotaryTables(config, Math.max(...sequences.map(({ ids }) => ids.length)));
    const fixed = { ...Object.fromEntries(parametersOf(config).map(({ name, shape }) => [name, toOrt({ dtype: "float32", shape, data: packed.get(name) as Float32Array })])), cos: toOrt(cos), sin: toOrt(sin) };
    const logps = new Array<number>(sequences.length);
    const order = sequences.map((_, index) => index).sort((a, b) => (sequences[a] as Sequence).ids.length - (sequences[b] as Sequence).ids.length);
    for (let start = 0; start < order.length; start += batch) {
      signal?.throwIfAborted();
      const part = order.slice(start, start + batch);
      const inputs = Object.entries(encodeForLogps(part.map((index) => sequences[index] as Sequence))).map(([name, tensor]) => [name, toOrt(tensor)]);
      const sums = (await session.raw({ ...fixed, ...Object.fromEntries(inputs) }))["logps"]?.data as Float32Array;
      for (const [place, index] of part.entries()) logps[index] = sums[place] as number;
    }
    return logps;
  } finally {
    await session.close();
  }
}
