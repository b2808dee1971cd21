// Log-probabilities of a training's answers under its reference, kept in the store: the attempt that computes them writes them down beside its
// first steps, and every later attempt and every other training of the campaign on the same answers is given them.
// They spare time and decide nothing: what is damaged, lost or does not fit is computed again.
import { isCoded } from "../../errors/index.ts";
import { referenceKey } from "../../campaign/ids.ts";
import type { Digest } from "../../campaign/types.ts";
import type { ReferenceLogps } from "../../runtimes/types.ts";
import { addressOf } from "../address.ts";
import type { StageContext } from "../attempt/context.ts";
import { retryDuringOutage } from "../attempt/retry-during-outage.ts";
import type { Recipe } from "./train-recipe.ts";
import { STAGE_VERSION } from "../versions.ts";

export interface ReferenceManifest {
  schema: "ratchet.reference/1";
  result: ReferenceLogps & {
    /** Tree of the reference, and the rows whose answers they are of. */
    reference: Digest;
    rows: Digest;
  };
  facts: object;
}

/** The start makes tokens of the rows. Of KTO its batches decide which answers are mismatched. */
function inputsOf({ start, reference = start, rows, task, optimizer, seed }: Recipe): object {
  const { maxLength, truncation, batch, epochs } = optimizer;
  const of =
    task.kind === "kto"
      ? { batch, epochs, seed }
      : { ldAlpha: task.kind === "dpo" ? task.ldAlpha : undefined };
  return {
    version: STAGE_VERSION.train,
    kind: task.kind,
    start,
    reference,
    rows,
    maxLength,
    truncation,
    ...of,
  };
}

export class KeptReference {
  private readonly context: StageContext;
  private readonly key: string;
  private readonly of: Pick<ReferenceManifest["result"], "reference" | "rows">;
  private keeping: Promise<void> | undefined;
  private readonly happened: Record<string, unknown> = {};

  constructor(context: StageContext, recipe: Recipe) {
    this.context = context;
    this.key = referenceKey(context.input.campaign.campaignId, addressOf(inputsOf(recipe)));
    this.of = { reference: recipe.reference ?? recipe.start, rows: recipe.rows };
  }

  async find(): Promise<ReferenceLogps | undefined> {
    try {
      const found = await this.context.deps.store.readManifest<ReferenceManifest>(this.key);
      if (!found) return undefined;
      this.happened["reference"] = "found";
      const { of, logps } = found.manifest.result;
      return { of, logps };
    } catch (error) {
      if (!isCoded(error) || error.kind !== "artifact") throw error;
      this.happened["damagedReference"] = error.code;
      return undefined;
    }
  }

  /** Training goes on meanwhile. */
  keep(computed: ReferenceLogps): void {
    this.happened["reference"] = "computed";
    this.keeping = this.commit(computed).catch(
      (error: unknown) =>
        void (this.happened["referenceNotKept"] = error instanceof Error ? error.message : String(error)),
    );
  }

  /** When it is in the store, or has failed: that costs time after a crash, never the run. */
  async settled(): Promise<void> {
    await this.keeping;
  }

  facts(): Record<string, unknown> {
    return this.happened;
  }

  private async commit(computed: ReferenceLogps): Promise<void> {
    const { store } = this.context.deps;
    const manifest: ReferenceManifest = {
      schema: "ratchet.reference/1",
      result: { ...this.of, ...computed },
      facts: this.context.facts(),
    };
    await retryDuringOutage(this.context, async () => {
      // Whatever lies there was of no use, being damaged or of other answers; or it is the equal one of a training beside this.
      await store.backend.delete(this.key);
      await store.commitManifest(this.key, manifest);
    });
  }
}
