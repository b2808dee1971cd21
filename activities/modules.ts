// Calls the author's modules. A stage can call only the modules of its own roles: training, pairing and
// promotion cannot read the true reward (gold). A test tries every role that `rolesOf` does not list.
import { RatchetError } from "../errors/index.ts";
import type { ModuleAnswer, ModuleRole, StageModule } from "../campaign/spec/modules.ts";
import type { StageName } from "../campaign/types.ts";
import type { StageContext } from "./attempt/context.ts";

/** Roles that the stage may call: `gold` only on the test split, `bootstrapLabelers` only at iteration 0. */
function rolesOf({ input }: StageContext): readonly ModuleRole[] {
  const bootstrap = "iteration" in input.place && input.place.iteration === 0;
  const roles: Record<StageName, readonly ModuleRole[]> = {
    sft: [],
    reward: [],
    generate: [],
    score: ["reward"],
    label: [bootstrap ? "bootstrapLabelers" : "labelers"],
    audit: [],
    refit: [],
    pair: [],
    train: [],
    answer: [],
    reference: [],
    judge: (input as { of?: string }).of === "test" ? ["judge", "gold"] : ["judge"],
    evaluate: [],
    promote: [],
  };
  return roles[input.stage];
}

/** One answer per row, in order. */
export async function callModule<Row, Answer>(
  context: StageContext,
  role: StageModule,
  rows: Row[],
): Promise<Answer[]> {
  if (!rolesOf(context).includes(role))
    throw new RatchetError(
      "role_forbidden",
      `${context.input.stage} of ${context.place} may not read the ${role} module`,
    );
  const blob = context.spec.modules[role];
  if (!blob) throw new RatchetError("unreachable_state", `the spec names no ${role} module`);
  // The call has a time limit of its own: an attempt that is silent within it is not stuck.
  context.allowSilence(blob.timeoutMs);
  return context.deps.modules.call<Row, Answer>(role, blob, rows, context.signal);
}

/** An answer as modules see it. */
export const moduleAnswer = ({ text, finish }: ModuleAnswer): ModuleAnswer => ({ text, finish });
