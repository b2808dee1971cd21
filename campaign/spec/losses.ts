// `train.loss`: one loss by its name or with its settings, or a list of losses with weights. Formulas and
// papers are in engine/loss/.
import { z } from "zod";
import { DEFAULTS } from "./defaults.ts";
import { above, below, oneOf, real } from "./fields.ts";

const { losses: defaults } = DEFAULTS;

/**
 * Every loss over pairs. `reference`: whether the reference model enters the loss, only the reported rewards,
 * or neither; a test compares it with the engine's table. Losses without settings come first, because error
 * messages list the names in this order.
 */
const PAIR_LOSSES = {
  sigmoid: { reference: "loss", settings: {} },
  hinge: { reference: "loss", settings: {} },
  ipo: { reference: "loss", settings: {} },
  sigmoid_norm: { reference: "loss", settings: {} },
  nca_pair: { reference: "loss", settings: {} },
  bco_pair: { reference: "loss", settings: {} },
  sppo_hard: { reference: "loss", settings: {} },
  apo_zero: { reference: "loss", settings: {} },
  apo_down: { reference: "loss", settings: {} },
  sft: { reference: "metrics", settings: {} },
  orpo: { reference: "none", settings: {} },
  cdpo: {
    reference: "loss",
    settings: { labelSmoothing: below(0, 0.5).default(defaults.cdpo.labelSmoothing) },
  },
  robust: {
    reference: "loss",
    settings: { labelSmoothing: below(0, 0.5).default(defaults.robust.labelSmoothing) },
  },
  exo_pair: {
    reference: "loss",
    // Above 0, because the loss holds ln ε.
    settings: { labelSmoothing: above(0, 0.5).default(defaults.exo_pair.labelSmoothing) },
  },
  rdpo: { reference: "loss", settings: { lengthWeight: real(-1, 1).default(defaults.rdpo.lengthWeight) } },
  aot: {
    reference: "loss",
    settings: { labelSmoothing: below(0, 0.5).default(defaults.aot.labelSmoothing) },
  },
  aot_unpaired: {
    reference: "loss",
    settings: { labelSmoothing: below(0, 0.5).default(defaults.aot_unpaired.labelSmoothing) },
  },
  discopop: { reference: "loss", settings: { tau: above(0, 10).default(defaults.discopop.tau) } },
  simpo: { reference: "none", settings: { gamma: real(0, 100).default(defaults.simpo.gamma) } },
} satisfies Record<string, { reference: "loss" | "metrics" | "none"; settings: z.ZodRawShape }>;

type PairLosses = typeof PAIR_LOSSES;
type PairName = keyof PairLosses;
type PlainName = {
  [K in PairName]: keyof PairLosses[K]["settings"] extends never ? K : never;
}[PairName];

const pairNames = Object.keys(PAIR_LOSSES) as [PairName, ...PairName[]];
export const LOSS_NAMES = [...pairNames, "kto"] as const;

const isPlain = (name: string): name is PlainName =>
  name in PAIR_LOSSES && Object.keys(PAIR_LOSSES[name as PairName].settings).length === 0;

type PairSchema<M extends z.ZodRawShape> = {
  [K in PairName]: z.ZodObject<{ type: z.ZodLiteral<K> } & PairLosses[K]["settings"] & M, z.core.$strict>;
}[PairName];

/** A schema for every loss over pairs, with its settings and `more` members. */
function pairSchemas<M extends z.ZodRawShape>(more: M): [PairSchema<M>, ...PairSchema<M>[]] {
  // Losses with settings first: the order in the JSON Schema.
  const names = [...pairNames.filter((name) => !isPlain(name)), ...pairNames.filter(isPlain)];
  return names.map((name) =>
    z.strictObject({ type: z.literal(name), ...PAIR_LOSSES[name].settings, ...more }),
  ) as unknown as [PairSchema<M>, ...PairSchema<M>[]];
}

const kto = z.strictObject({
  type: z.literal("kto"),
  desirableWeight: real(0, 1000).default(defaults.kto.desirableWeight),
  undesirableWeight: real(0, 1000).default(defaults.kto.undesirableWeight),
});

const anyLoss = `one of ${LOSS_NAMES.join(", ")}`;
const alone = z.discriminatedUnion("type", [...pairSchemas({}), kto], { error: anyLoss });
const ofPairs = { error: `one of ${pairNames.join(", ")}` };
const weighted = z.discriminatedUnion("type", pairSchemas({ weight: above(0, 1e6).default(1) }), ofPairs);

type Alone = z.output<typeof alone>;
export type WeightedLoss = z.output<typeof weighted>;

/**
 * As resolved. A loss without settings stays its name, so the address of such a spec does not depend on the
 * losses that exist.
 */
export type ResolvedLoss = PlainName | Exclude<Alone, { type: PlainName }> | WeightedLoss[];

export const lossField = z
  .union(
    [
      oneOf(...LOSS_NAMES),
      alone,
      z
        .array(z.union([oneOf(...pairNames), weighted], ofPairs))
        .min(1, { error: "a list of at least one loss" }),
    ],
    {
      error: `${anyLoss}, such a {type} with its settings, or a list of those with weights`,
    },
  )
  .transform((written): ResolvedLoss => {
    if (Array.isArray(written))
      return written.map((loss) => (typeof loss === "string" ? weighted.parse({ type: loss }) : loss));
    const { type, ...settings } = typeof written === "string" ? alone.parse({ type: written }) : written;
    return isPlain(type) ? type : ({ type, ...settings } as Exclude<Alone, { type: PlainName }>);
  });

/** The losses over pairs whose weighted sum a spec trains on; none for KTO. */
export function termsOf(loss: ResolvedLoss): WeightedLoss[] {
  if (typeof loss === "string") return [{ type: loss, weight: 1 }];
  if (Array.isArray(loss)) return loss;
  return loss.type === "kto" ? [] : [{ ...loss, weight: 1 }];
}

/**
 * A policy's training as a task of the runtimes. Plain DPO has no `losses`: its address is older than the
 * other losses.
 */
export function policyTask({
  loss,
  beta,
  ldAlpha = 1,
}: {
  loss: ResolvedLoss;
  beta: number;
  ldAlpha?: number | undefined;
}): PolicyTask {
  if (typeof loss === "object" && "type" in loss && loss.type === "kto") {
    const { desirableWeight, undesirableWeight } = loss;
    return { kind: "kto", beta, desirableWeight, undesirableWeight };
  }
  return {
    kind: "dpo",
    beta,
    losses: loss === "sigmoid" ? undefined : termsOf(loss),
    ldAlpha: ldAlpha < 1 ? ldAlpha : undefined,
  };
}

type PolicyTask =
  | { kind: "dpo"; beta: number; losses?: WeightedLoss[]; ldAlpha?: number }
  | { kind: "kto"; beta: number; desirableWeight: number; undesirableWeight: number };

/** `sigmoid + sft` */
export const lossName = (loss: ResolvedLoss): string =>
  typeof loss === "object" && "type" in loss
    ? loss.type
    : termsOf(loss)
        .map(({ type }) => type)
        .join(" + ");

/**
 * Whether log-probabilities under a reference enter the loss or its metrics. KTO, which has no terms, uses
 * them.
 */
export function usesReference(loss: ResolvedLoss): boolean {
  const uses: string[] = termsOf(loss).map(({ type }) => PAIR_LOSSES[type].reference);
  return uses.includes("loss") || !uses.includes("none");
}
