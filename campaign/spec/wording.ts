// Sentences about a wrong value: its path, the value, and what is accepted. Specs and rows use the same
// words.

export type Path = readonly PropertyKey[];

/** `baselines[1].name` */
export function pathText(path: Path): string {
  return path.reduce<string>(
    (text, key) =>
      typeof key === "number" ? `${text}[${key}]` : text ? `${text}.${String(key)}` : String(key),
    "",
  );
}

export function valueAt(root: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) => (value as Record<PropertyKey, unknown> | null | undefined)?.[key],
    root,
  );
}

/** `<path> is <value>, but must be <accepted>` */
export function wrongValue(name: string, value: unknown, accepted: string): string {
  return value === undefined
    ? `${name} is missing: it must be ${accepted}`
    : `${name} is ${show(value)}, but must be ${accepted}`;
}

function show(value: unknown): string {
  // JSON has no infinite number: 1e400 would be shown as null.
  const text =
    typeof value === "number" ? String(value) : (JSON.stringify(value, withBigInts) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** JSON has no such numbers. */
const withBigInts = (_: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}n` : value);
