// Holds each iteration against the spec that was in force there, and each amendment against the specs that it
// is between.
import { placeName } from "../../campaign/ids.ts";
import { deriveSeed } from "../../campaign/recipe/seeds.ts";
import { amendedSpec, changesOf, showChange } from "../../campaign/spec/amend.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { policyTask } from "../../campaign/spec/losses.ts";
import { specAt } from "../../campaign/specs-in-force.ts";
import type {
  Digest,
  LedgerEvent,
  LedgerRow,
  SpecInForce,
  Standing,
  TrainResult,
} from "../../campaign/types.ts";
import { canonicalDigest, canonicalJson } from "../../store/index.ts";
import type { Store } from "../../store/types.ts";

type Event<T extends LedgerEvent["type"]> = Extract<LedgerEvent, { type: T }>;

/** The specs of a ledger, up to a row. */
export class Plans {
  private readonly specs: SpecInForce[] = [];
  private readonly read: ReadonlyMap<Digest, Partial<CompiledSpec>>;

  private constructor(read: ReadonlyMap<Digest, Partial<CompiledSpec>>) {
    this.read = read;
  }

  /** A damaged spec is left out: it is a problem of its own. */
  static async of(store: Store, rows: readonly LedgerRow[]): Promise<Plans> {
    const read = new Map<Digest, Partial<CompiledSpec>>();
    for (const { event } of rows) {
      if (event.type !== "created" && event.type !== "amended") continue;
      try {
        read.set(event.specDigest, await store.getJson<Partial<CompiledSpec>>(event.specDigest));
      } catch (error) {
        if ((error as { kind?: string }).kind !== "artifact") throw error;
      }
    }
    return new Plans(read);
  }

  /** To call with each row, once it is checked. */
  apply(event: LedgerEvent): void {
    if (event.type === "created") this.specs.push({ specDigest: event.specDigest });
    if (event.type === "amended")
      this.specs.push({ specDigest: event.specDigest, holdsFrom: event.holdsFrom });
  }

  at(place: Event<"iteration-finished">): Partial<CompiledSpec> | undefined {
    return this.specs.length === 0 ? undefined : this.read.get(specAt(this.specs, place).specDigest);
  }

  /** Returns a sentence for each fault of an amendment. */
  amendment({ specDigest, changes, holdsFrom }: Event<"amended">, { next }: Standing): string[] {
    const begins = [next, { ...next, iteration: next.iteration + 1 }].map(placeName);
    const early = begins.includes(placeName(holdsFrom))
      ? []
      : [`amends from ${placeName(holdsFrom)} on, but the next places are ${begins.join(" and ")}`];
    const [before, after] = [this.specs.at(-1)?.specDigest ?? "", specDigest].map((of) => this.read.get(of));
    if (!before || !after) return early;
    const { differences, forbidden } = amendedSpec(before as CompiledSpec, after as CompiledSpec);
    return [
      ...early,
      ...changesOf(forbidden).map((change) => `amends what no amendment may change: ${showChange(change)}`),
      ...(canonicalJson(changes) === canonicalJson(changesOf(differences))
        ? []
        : ["names other changes than its spec has to the one before"]),
    ];
  }

  /** Returns a sentence if the iteration was trained with other settings than those in force. */
  training(place: Event<"iteration-finished">, result: TrainResult | undefined): string[] {
    const spec = this.at(place);
    if (this.specs.length < 2 || !result || !spec?.train) return [];
    const { lora, optimizer } = spec.train;
    const seed = deriveSeed(spec.seed ?? 0, placeName(place), "train");
    const settings = canonicalDigest({ task: policyTask(spec.train), lora, optimizer, seed });
    return settings === result.settings
      ? []
      : [`has a policy that was not trained with the settings in force at ${placeName(place)}`];
  }
}
