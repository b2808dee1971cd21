// The differences of two values, path by path. `start` shows those of two specs if the campaign id has
// another one, and `diff` shows all.

export interface Difference {
  /** `train.optimizer.learningRate`, `baselines[1].name`. */
  path: string;
  /** Undefined if that side has no such path. */
  before: unknown;
  after: unknown;
}

/** Leaves that differ, in the order of `before`, then those that only `after` has. */
export function differences(before: unknown, after: unknown, path = ""): Difference[] {
  if (Object.is(before, after)) return [];
  if (!isContainer(before) || !isContainer(after) || Array.isArray(before) !== Array.isArray(after))
    return [{ path, before, after }];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key) =>
    differences(
      before[key],
      after[key],
      Array.isArray(before) ? `${path}[${key}]` : path ? `${path}.${key}` : key,
    ),
  );
}

/**
 * `train.optimizer.learningRate: 0.0001 → 0.0002`. Digests are cut to 12 digits; an absent side is `(none)`.
 */
export function showDifference({ path, before, after }: Difference): string {
  return `${path || "(whole)"}: ${show(before)} → ${show(after)}`;
}

function show(value: unknown): string {
  if (value === undefined) return "(none)";
  if (typeof value === "string" && /^[0-9a-f]{64}$/.test(value)) return value.slice(0, 12);
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

const isContainer = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;
