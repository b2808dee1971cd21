// A copy of a module's answer that JSON can hold. Any other value is named, in place of what JSON would make
// of it: null for NaN and for a hole, nothing for a function. Runs in the module's process.
import { types } from "node:util";

/** A value that no answer may hold. */
export interface Unsendable {
  /** Index of the answer's entry; absent if the answer itself is no list. */
  row?: number;
  /** Place inside the entry, such as `parts.day`. */
  path?: string;
  shown: string;
  why: string;
}

/** Lists and objects inside each other; the deepest shape of a role has 3. It also ends circular values. */
const DEPTH_MAX = 16;

export class UnsendableError extends Error {
  readonly value: Unsendable;
  constructor(value: Unsendable) {
    super(value.why);
    this.value = value;
  }
}

type Path = readonly (string | number)[];

/** Throws UnsendableError. */
export function plainAnswer(output: unknown): unknown {
  if (types.isProxy(output)) throw unsendable("a proxy", "is not a list", []);
  if (!Array.isArray(output) && !isPlainObject(output)) throw unsendable(show(output), "is not a list", []);
  return copy(output, []);
}

function copy(value: unknown, path: Path): unknown {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    if (Number.isFinite(value)) return value;
    throw unsendable(String(value), "is not a finite number", path);
  }
  if (typeof value !== "object" || types.isProxy(value))
    throw unsendable(show(value), "is not plain data", path);
  if (path.length > DEPTH_MAX)
    throw unsendable("a value inside itself", `is circular or deeper than ${DEPTH_MAX}`, path);
  if (Array.isArray(value)) return copyList(value, path);
  if (!isPlainObject(value)) throw unsendable(show(value), "is not plain data", path);
  return copyObject(value, path);
}

function copyList(list: readonly unknown[], path: Path): unknown[] {
  const copied: unknown[] = [];
  for (let at = 0; at < list.length; at++) copied.push(copy(member(list, at, path), [...path, at]));
  return copied;
}

function copyObject(value: object, path: Path): Record<string, unknown> {
  // No prototype, so that a member may have any name.
  const copied = Object.create(null) as Record<string, unknown>;
  for (const name of Object.keys(value)) {
    const found = member(value, name, path);
    if (found !== undefined) copied[name] = copy(found, [...path, name]);
  }
  return copied;
}

/** Reads no getter, because it could answer something else the next time. */
function member(holder: object, name: string | number, path: Path): unknown {
  const property = Object.getOwnPropertyDescriptor(holder, name);
  if (!property) throw unsendable("a hole", "is no value", [...path, name]);
  if (!("value" in property)) throw unsendable("a getter", "is not plain data", [...path, name]);
  return property.value;
}

const tag = (value: unknown): string => Object.prototype.toString.call(value);
const isPlainObject = (value: unknown): value is object =>
  typeof value === "object" && value !== null && tag(value) === "[object Object]";

function unsendable(shown: string, why: string, path: Path): UnsendableError {
  const [row, ...rest] = path;
  const inside = rest.length > DEPTH_MAX / 2 ? [...rest.slice(0, DEPTH_MAX / 2), "…"] : rest;
  return new UnsendableError({
    shown,
    why,
    ...(typeof row === "number" ? { row } : {}),
    ...(inside.length > 0 ? { path: inside.join(".") } : {}),
  });
}

function show(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) return types.isProxy(value) ? "a proxy" : tag(value);
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
