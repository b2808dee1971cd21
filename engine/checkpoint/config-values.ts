// Numbers, switches and token ids of a config.json, checked.
import { RatchetError } from "../../errors/index.ts";
import { show } from "./read-json.ts";

export type Json = Record<string, unknown>;

export const unsupported = (path: string, what: string, hint: string): RatchetError =>
  new RatchetError("architecture_unsupported", `${path} has ${what}`, { hint });

const invalid = (path: string, key: string, value: unknown, what: string): RatchetError =>
  new RatchetError("checkpoint_invalid", `${path} has ${key} = ${show(value)}, which ${what}`);

/** Absent and null mean the fallback. */
export function positive(config: Json, key: string, path: string, fallback?: number): number {
  const value = config[key] ?? fallback;
  if (typeof value !== "number" || !Number.isFinite(value) || value <= 0)
    throw invalid(path, key, value, "must be a positive number");
  return value;
}

export function positiveInt(config: Json, key: string, path: string, fallback?: number): number {
  const value = positive(config, key, path, fallback);
  if (!Number.isSafeInteger(value)) throw invalid(path, key, value, "must be a whole number");
  return value;
}

/** Absent and null mean false. */
export function flag(config: Json, key: string, path: string): boolean {
  const value = config[key] ?? false;
  if (typeof value !== "boolean") throw invalid(path, key, value, "must be true or false");
  return value;
}

/** A token id below `vocabSize`, if there is one. */
export function id(config: Json, key: string, path: string, vocabSize: number): number | undefined {
  if (Array.isArray(config[key])) throw invalid(path, key, config[key], "must be one token id");
  return ids(config, key, path, vocabSize)[0];
}

/** A token id or a list of them, each below `vocabSize`. */
export function ids(config: Json, key: string, path: string, vocabSize = Infinity): number[] {
  const value = config[key] ?? [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (!list.every((id): id is number => Number.isSafeInteger(id) && (id as number) >= 0))
    throw invalid(path, key, value, "is not a token id");
  const beyond = list.find((id) => id >= vocabSize);
  if (beyond !== undefined)
    throw invalid(path, key, value, `is no token of the model: it has ${vocabSize} embeddings`);
  return list;
}
