// A judge is held out if nothing that it says is trained on. If it also labels for training, promotion only
// measures how well the policy learned the judge's labels.
import { RatchetError } from "../errors/index.ts";
import type { Digest } from "../campaign/types.ts";
import type { ModuleRole } from "../campaign/spec/modules.ts";
import { sha256 } from "../store/index.ts";
import type { Bundle } from "./bundle.ts";

/** Who says which of two answers is better. */
export interface Answerer {
  role: ModuleRole;
  /** As written in the spec. */
  name: string;
  /** Equal for all who give the same answers, whatever the name: of a module the bundle's digest. */
  id: Digest;
}

/** Whose labels are trained on: in the bootstrap and in each iteration. */
const LABELERS: readonly ModuleRole[] = ["bootstrapLabelers", "labelers"];

/** Throws judge_not_held_out. */
export function refuseSharedJudge(answerers: readonly Answerer[]): void {
  const judge = answerers.find(({ role }) => role === "judge");
  const labeler = answerers.find(({ role, id }) => LABELERS.includes(role) && id === judge?.id);
  if (!judge || !labeler) return;
  const which = judge.name === labeler.name ? judge.name : `${judge.name} and ${labeler.name}`;
  throw new RatchetError(
    "judge_not_held_out",
    `evaluate.judge and the ${labeler.role} module are the same (${which}): ` +
      "a judge that also made the training labels is not held out",
    {
      file: judge.name,
      hint:
        "name another module in evaluate.judge; simulated people may share their taste, " +
        "but not their labels: examples/shop/labels.ts gives each role noise of its own",
    },
  );
}

export const answererOf = ({ role, name, source }: Bundle): Answerer => ({ role, name, id: sha256(source) });
