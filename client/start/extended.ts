// The spec of a campaign with more iterations.
import { RatchetError } from "../../errors/index.ts";
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import { ITERATIONS_MAX } from "../../campaign/ids.ts";

/** All iterations together, or how many more. */
export type IterationsAsked = { total: number } | { more: number };

export function extended(spec: CompiledSpec, asked: IterationsAsked): CompiledSpec {
  const iterations = "total" in asked ? asked.total : spec.iterations + asked.more;
  if (iterations < spec.iterations)
    throw new RatchetError(
      "usage_invalid",
      `${iterations} iterations are fewer than the ${spec.iterations} that the campaign has`,
      { hint: "`ratchet amend` with a campaign file may lower them" },
    );
  if (iterations > ITERATIONS_MAX)
    throw new RatchetError("usage_invalid", `${iterations} iterations are more than ${ITERATIONS_MAX}`);
  return { ...spec, iterations };
}
