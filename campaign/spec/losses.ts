// What `train.loss` may say: one loss by its name or with its settings, or several with weights. A loss without settings of its own stays its
// name when it is resolved, so that the plain one reads, and is addressed, as it always was. Formulas and papers are in engine/loss/.
import { z } from "zod";
import { DEFAULTS } from "./defaults.ts";
import { above, below, oneOf, real } from "./fields.ts";

const plainNames = [
  "sigmoid",
  "hinge",
  "ipo",
  "sigmoid_norm",
  "nca_pair",
  "bco_pair",
  "sppo_hard",
  "apo_zero",
  "apo_down",
  "sft",
  "orpo",
] as const;
const tunedNames = [
  "cdpo",
  "robust",
  "exo_pair",
  "rdpo",
  "aot",
  "aot_unpaired",
  "discopop",
  "simpo",
] as const;
const pairNames = [...plainNames, ...tunedNames] as const;
export const LOSS_NAMES = [...pairNames, "kto"] as const;

const defaults = DEFAULTS.losses;

/** Every loss over pairs with its settings; `more`: what stands beside them. */
function pairLosses<M extends z.ZodRawShape>(more: M) {
  const loss = <const K extends (typeof pairNames)[number], S extends z.ZodRawShape>(type: K, settings: S) =>
    z.strictObject({ type: z.literal(type), ...settings, ...more });
  return [
    loss("cdpo", { labelSmoothing: below(0, 0.5).default(defaults.cdpo.labelSmoothing) }),
    loss("robust", { labelSmoothing: below(0, 0.5).default(defaults.robust.labelSmoothing) }),
    // ln ε stands in it.
    loss("exo_pair", { labelSmoothing: above(0, 0.5).default(defaults.exo_pair.labelSmoothing) }),
    loss("rdpo", { lengthWeight: real(-1, 1).default(defaults.rdpo.lengthWeight) }),
    loss("aot", { labelSmoothing: below(0, 0.5).default(defaults.aot.labelSmoothing) }),
    loss("aot_unpaired", { labelSmoothing: below(0, 0.5).default(defaults.aot_unpaired.labelSmoothing) }),
    loss("discopop", { tau: above(0, 10).default(defaults.discopop.tau) }),
    loss("simpo", { gamma: real(0, 100).default(defaults.simpo.gamma) }),
    ...plainNames.map((name) => loss(name, {})),
  ] as const;
}

const kto = z.strictObject({
  type: z.literal("kto"),
  desirableWeight: real(0, 1000).default(defaults.kto.desirableWeight),
  undesirableWeight: real(0, 1000).default(defaults.kto.undesirableWeight),
});

const known = { error: `one of ${LOSS_NAMES.join(", ")}` };
const alone = z.discriminatedUnion("type", [...pairLosses({}), kto], known);
const ofPairs = { error: `one of ${pairNames.join(", ")}` };
const weighted = z.discriminatedUnion("type", pairLosses({ weight: above(0, 1e6).default(1) }), ofPairs);

type Alone = z.output<typeof alone>;
export type WeightedLoss = z.output<typeof weighted>;
type PlainName = (typeof plainNames)[number];

/** As resolved: the plain ones by name, others with all their settings. */
export type ResolvedLoss = PlainName | Exclude<Alone, { type: PlainName }> | WeightedLoss[];

const isPlain = (name: string): name is PlainName => (plainNames as readonly string[]).includes(name);

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
      error: `one of ${LOSS_NAMES.join(", ")}, such a {type} with its settings, or a list of those with weights`,
    },
  )
  .transform((written): ResolvedLoss => {
    if (Array.isArray(written))
      return written.map((loss) => (typeof loss === "string" ? weighted.parse({ type: loss }) : loss));
    const { type, ...settings } = typeof written === "string" ? alone.parse({ type: written }) : written;
    return isPlain(type) ? type : ({ type, ...settings } as Exclude<Alone, { type: PlainName }>);
  });

/** The losses over pairs that a spec adds up; none for KTO. */
export function termsOf(loss: ResolvedLoss): WeightedLoss[] {
  if (typeof loss === "string") return [{ type: loss, weight: 1 }];
  if (Array.isArray(loss)) return loss;
  return loss.type === "kto" ? [] : [{ ...loss, weight: 1 }];
}

/** How a policy is trained, in the words of the runtimes. Plain DPO names no loss, as when there was no other: so its address stays. */
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
    ...(loss === "sigmoid" ? {} : { losses: termsOf(loss) }),
    ...(ldAlpha < 1 ? { ldAlpha } : {}),
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

/** False where log-probabilities under a reference are neither in a loss nor reported: SimPO and ORPO, alone or beside `sft`. */
export function usesReference(loss: ResolvedLoss): boolean {
  const terms = termsOf(loss).map(({ type }) => type);
  const withoutReference = terms.some((type) => type === "simpo" || type === "orpo");
  return !withoutReference || terms.some((type) => type !== "simpo" && type !== "orpo" && type !== "sft");
}
