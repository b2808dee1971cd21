// Prompts to token ids and answers' ids to texts, by the policy's own tokenizer in a process with limits: the
// server never tokenizes, so both engines read the same ids.
import { RatchetError } from "../../errors/index.ts";
import { readConfig } from "../../engine/index.ts";
import type { ModelConfig } from "../../engine/model/index.ts";
import { Encoder } from "../encoder/index.ts";
import type { Encoded, RowKind, RowKinds, SampledText, SamplingPrompt } from "../encoder/index.ts";
import type { LocalModel, Prompt, SampleRequest } from "../types.ts";

export interface SampledIds {
  promptIds: number[];
  ids: number[];
  ends: readonly number[];
}

interface Open {
  digest: string;
  config: ModelConfig;
  encoder: Encoder;
}

/** One policy's tokenizer at a time. Calls wait for each other. */
export class Tokens {
  private open: Open | undefined;
  private turn: Promise<unknown> = Promise.resolve();

  /** Token ids of each distinct prompt, and the model's configuration. */
  prompts(
    model: LocalModel,
    requests: readonly SampleRequest[],
  ): Promise<{ config: ModelConfig; of: ReadonlyMap<Prompt, SamplingPrompt> }> {
    const prompts = [...new Set(requests.map(({ prompt }) => prompt))];
    return this.using(model, async ({ config, encoder }) => {
      const place = (index: number): string => `prompt ${prompts[index]!.id}`;
      const encoded = await all(encoder.encode("sampling", {}, prompts, place));
      for (const [index, { promptIds }] of encoded.entries())
        refuseUnfit(promptIds.length, config.maxPositions, place(index));
      return { config, of: new Map(prompts.map((prompt, index) => [prompt, encoded[index]!])) };
    });
  }

  texts(
    model: LocalModel,
    rows: readonly SampledIds[],
    stop: readonly (string | number)[],
    nameOf: (index: number) => string,
  ): Promise<SampledText[]> {
    return this.using(model, ({ encoder }) => {
      const sent = rows.map(({ promptIds, ids, ends }) => ({ promptIds, ids, ends: [...ends] }));
      return all(encoder.encode("sampled", { stop: [...stop] }, sent, nameOf));
    });
  }

  async close(): Promise<void> {
    const { open } = this;
    this.open = undefined;
    await open?.encoder.close();
  }

  private using<T>(model: LocalModel, work: (open: Open) => Promise<T>): Promise<T> {
    const done = this.turn.then(async () => {
      try {
        return await work(await this.opened(model));
      } catch (error) {
        // Its process may have ended.
        await this.close();
        throw error;
      }
    });
    this.turn = done.catch(() => undefined);
    return done;
  }

  private async opened({ digest, dir }: LocalModel): Promise<Open> {
    if (this.open?.digest === digest) return this.open;
    await this.close();
    const config = await readConfig(dir);
    const encoder = await Encoder.open(dir, config, `policy ${digest.slice(0, 12)}`);
    return (this.open = { digest, config, encoder });
  }
}

async function all<K extends RowKind>(
  outcomes: AsyncGenerator<Encoded<K>>,
): Promise<RowKinds[K]["answer"][]> {
  const values: RowKinds[K]["answer"][] = [];
  for await (const outcome of outcomes) {
    if ("error" in outcome) throw outcome.error;
    values.push(outcome.value);
  }
  return values;
}

function refuseUnfit(tokens: number, positions: number, place: string): void {
  if (tokens === 0) throw new RatchetError("prompt_invalid", `${place} has no token`);
  if (tokens >= positions)
    throw new RatchetError(
      "prompt_too_long",
      `${place} has ${tokens} tokens; the model has ${positions} positions`,
      { hint: "leave room for the answer" },
    );
}
