// A campaign without Temporal: the activities' own stages on a store in memory, with a module that labels and
// runtimes that compute nothing. The text of an answer is its index, which is also how good it is.
import assert from "node:assert/strict";
import {
  blob,
  completion,
  fakeDeps,
  memoryStore,
  smallSpec,
} from "../activities/attempt/stage-context.test.support.ts";
import { formatRows } from "../campaign/recipe/rows.ts";
import type { CompiledSpec, Rows } from "../campaign/spec/compiled.ts";
import { planOf } from "../campaign/spec/plan.ts";
import type { Digest, Place, PlaceInput } from "../campaign/types.ts";
import type { AnswerRow, LocalModel, SampleRequest } from "../runtimes/types.ts";
import type { Store } from "../store/types.ts";
import { directRecipe } from "../test/support/direct-recipe.ts";
import type { Recipe } from "./recipe.ts";

export class SmallWorld {
  readonly store: Store;
  readonly spec: CompiledSpec;
  /** Stages that ran, in order: `score audit`. */
  readonly ran: string[] = [];
  /** Answers that a reward model scored, and by which one: `b7/1 by reward model`. */
  readonly scored: string[] = [];
  /** Inputs of trainings. */
  readonly trained: { stage: string; start: Digest; pairs?: Digest | undefined }[] = [];

  private constructor(store: Store, spec: CompiledSpec) {
    this.store = store;
    this.spec = spec;
  }

  static async open(
    change: (spec: CompiledSpec, rowsOf: (prefix: string, count: number) => Promise<Rows>) => Promise<object>,
  ): Promise<SmallWorld> {
    const store = await memoryStore();
    const small = await smallSpec(store);
    const rowsOf = async (prefix: string, count: number): Promise<Rows> => {
      const rows = Array.from({ length: count }, (_, i) => ({ id: `${prefix}${i}`, prompt: `say ${i}` }));
      return { rows: await store.putBlob(formatRows(rows)), count };
    };
    const changed = await change(small, rowsOf);
    const modules = { bootstrapLabelers: blob("1"), labelers: blob("2"), judge: blob("3") };
    return new SmallWorld(store, { ...small, modules, ...changed });
  }

  /** The recipe of a place. */
  recipe(place: Place): Recipe {
    const deps = fakeDeps({ store: this.store, deps: this.runtimes(), modules: MODULES });
    const recipe = directRecipe(this.spec, deps, place);
    const noted =
      <I extends { stage: string }, R>(run: (own: I) => Promise<R>) =>
      (own: I) => {
        const { of, source, by } = own as { of?: string; source?: string; by?: string };
        const what = of ?? (own.stage === "generate" ? source : undefined);
        this.ran.push([own.stage, what, by === "refitted" ? by : undefined].filter(Boolean).join(" "));
        return run(own);
      };
    return {
      fanOut: noted((own) => recipe.fanOut(own as never, 0)) as never,
      label: noted(recipe.label),
      audit: noted(recipe.audit),
      pair: noted(recipe.pair),
      train: noted(async ({ stage, start, pairs }) => {
        this.trained.push({ stage, start, pairs });
        return { digest: `${stage} result`, policy: `${stage} model` };
      }),
      evaluate: noted(recipe.evaluate),
      promote: noted(recipe.promote),
    };
  }

  /** What the workflow of every place is given. */
  input(place: Place): PlaceInput {
    const { baselines: _ofTheCampaign, ...plan } = planOf(this.spec);
    return {
      campaign: { campaignId: "small", specDigest: "", storeName: "" },
      epoch: 1,
      place,
      plan,
    };
  }

  private runtimes() {
    return {
      generator: {
        deterministic: true,
        generate: async (_policy: LocalModel, requests: SampleRequest[]) =>
          requests.map(({ prompt, index }) => completion(prompt.id, index, String(index))),
      },
      scorer: {
        /** Right about every answer but the third. */
        rewards: async (model: LocalModel, rows: AnswerRow[]) => {
          this.scored.push(...rows.map(({ prompt, text }) => `${prompt.id}/${text} by ${model.digest}`));
          return rows.map(({ text }) => (text === "2" ? -1 : Number(text)));
        },
        logps: async (_model: LocalModel, rows: AnswerRow[]) => rows.map(() => 0),
        choices: () => assert.fail("there is no preference model"),
      },
    };
  }
}

const better = ({ first, second }: { first: { text: string }; second: { text: string } }): number =>
  Number(first.text > second.text);
const MODULES = {
  bootstrapLabelers: better as never,
  labelers: better as never,
  judge: (() => 0.5) as never,
};
