// Numbers and token ids of a config.json, checked.
import { RatchetError } from "../../errors/index.ts";

export type Json = Record<string, unknown>;

export const unsupported = (path: string, what: string, hint: string): RatchetError =>
  new RatchetError("architecture_unsupported", `${path} has ${what}`, { hint });

export function positive(config: Json, key: string, path: string, fallback?: number): number {
  const value = config[key] ?? fallback;
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0)
    throw new RatchetError(
      "checkpoint_invalid",
      `${path} has ${key} = ${JSON.stringify(value)}, which must be a positive number`,
    );
  return value;
}

export function positiveInt(config: Json, key: string, path: string, fallback?: number): number {
  const value = positive(config, key, path, fallback);
  if (!Number.isInteger(value))
    throw new RatchetError(
      "checkpoint_invalid",
      `${path} has ${key} = ${value}, which must be a whole number`,
    );
  return value;
}

/** A token id or a list of them. */
export function ids(config: Json, key: string, path: string): number[] {
  const value = config[key] ?? [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (!list.every((id): id is number => Number.isInteger(id) && (id as number) >= 0))
    throw new RatchetError(
      "checkpoint_invalid",
      `${path} has ${key} = ${JSON.stringify(value)}, which is not a token id`,
    );
  return list;
}
