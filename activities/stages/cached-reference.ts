// Log-probabilities of a training's answers under its reference model, cached in the store. The attempt that
// computes them uploads them beside its first steps; later attempts, and other trainings of the campaign on
// the same answers, read them. They only save time: if they are damaged, lost or of other answers, they are
// computed again.
import { isCoded } from "../../errors/index.ts";
import { referenceKey } from "../../campaign/ids.ts";
import type { StoredLogps } from "../../campaign/types.ts";
import type { ReferenceLogps } from "../../runtimes/types.ts";
import { addressOf } from "../address.ts";
import type { StageContext } from "../attempt/context.ts";
import { retryDuringOutage } from "../attempt/retry-during-outage.ts";
import type { Recipe } from "./train-recipe.ts";
import { STAGE_VERSION } from "../versions.ts";

export interface ReferenceManifest {
  schema: "ratchet.logps/1";
  result: StoredLogps;
  facts: object;
}

/** The start tokenizes the rows. KTO's batches decide which answers are mismatched with which prompts. */
function inputsOf({ start, reference = start, rows, task, optimizer, seed }: Recipe): object {
  const { maxLength, truncation, batch, epochs } = optimizer;
  const ofTask =
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
    ...ofTask,
  };
}

export class CachedReference {
  private readonly context: StageContext;
  private readonly key: string;
  private readonly of: Pick<ReferenceManifest["result"], "reference" | "rows">;
  private storing: Promise<void> | undefined;
  private readonly recorded: Record<string, unknown> = {};

  constructor(context: StageContext, recipe: Recipe) {
    this.context = context;
    this.key = referenceKey(context.input.campaign.campaignId, addressOf(inputsOf(recipe)));
    this.of = { reference: recipe.reference ?? recipe.start, rows: recipe.rows };
  }

  async find(): Promise<ReferenceLogps | undefined> {
    try {
      const found = await this.context.deps.store.readManifest<ReferenceManifest>(this.key);
      if (!found) return undefined;
      this.recorded["reference"] = "found";
      const { of, logps } = found.manifest.result;
      return { of, logps };
    } catch (error) {
      if (!isCoded(error) || error.kind !== "artifact") throw error;
      this.recorded["damagedReference"] = error.code;
      return undefined;
    }
  }

  /** Begins to store them; training continues meanwhile. */
  store(computed: ReferenceLogps): void {
    this.recorded["reference"] = "computed";
    this.storing = this.commit(computed).catch(
      (error: unknown) =>
        void (this.recorded["referenceNotKept"] = error instanceof Error ? error.message : String(error)),
    );
  }

  /** Resolves when they are stored or their upload has failed, which never fails the run. */
  async settled(): Promise<void> {
    await this.storing;
  }

  facts(): Record<string, unknown> {
    return this.recorded;
  }

  private async commit(computed: ReferenceLogps): Promise<void> {
    const { store } = this.context.deps;
    const manifest: ReferenceManifest = {
      schema: "ratchet.logps/1",
      result: { ...this.of, ...computed },
      facts: this.context.facts(),
    };
    await retryDuringOutage(this.context, async () => {
      // A manifest here is damaged, or of other answers, or an equal one of a concurrent training.
      await store.backend.delete(this.key);
      await store.commitManifest(this.key, manifest);
    });
  }
}
