// Written spec → resolved spec, or one RatchetError with all its problems.
import { RatchetError } from "../../errors/index.ts";
import type { Code, Problem } from "../../errors/index.ts";
import { conflictsOf } from "./conflicts.ts";
import { problemsOf } from "./problems.ts";
import { specSchema } from "./schema.ts";
import type { ResolvedSpec } from "./schema.ts";

/** File of a written spec, and the line of a path in it if that is known. */
export interface Origin {
  file: string;
  lineOf?(path: readonly PropertyKey[]): number | undefined;
}

/** Throws RatchetError `spec_invalid` (a wrong field) or `spec_conflict` (fields that exclude each other). */
export function resolveSpec(written: unknown, origin?: Origin): ResolvedSpec {
  const parsed = specSchema.safeParse(written);
  if (!parsed.success) {
    const problems = problemsOf(parsed.error.issues, written).map(({ at, ...problem }) =>
      withLine(problem, at, origin),
    );
    throw refusal("spec_invalid", problems, origin);
  }
  const conflicts = conflictsOf(parsed.data);
  if (conflicts.length > 0) {
    throw refusal(
      "spec_conflict",
      conflicts.map((problem) => withLine(problem, keysOf(problem.path), origin)),
      origin,
    );
  }
  return parsed.data;
}

/** One error for many problems. Its message is the first problem's. */
export function refusal(code: Code, problems: Problem[], origin?: Origin): RatchetError {
  const first = problems[0]!;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : "";
  const where = origin ? `${origin.file}${first.line === undefined ? "" : `:${first.line}`}: ` : "";
  return new RatchetError(code, `${where}${first.message}${more}`, {
    hint: first.hint,
    problems,
    file: origin?.file,
    line: first.line,
  });
}

function withLine(problem: Problem, at: readonly PropertyKey[], origin?: Origin): Problem {
  const line = origin?.lineOf?.(at);
  return line === undefined ? problem : { ...problem, line };
}

/** `baselines[1].name` → ["baselines", 1, "name"]. */
function keysOf(path: string): PropertyKey[] {
  return [...path.matchAll(/([^.[\]]+)/g)].map(([key]) => (/^\d+$/.test(key) ? Number(key) : key));
}
