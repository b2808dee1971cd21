// JSON values into values of a template. JSON.parse does not keep whether a number was written as 1 or as
// 1.0: an integral one is an int.
import { allowFor } from "../budget.ts";
import { Dict, Float, Lost } from "./types.ts";
import type { Value } from "./types.ts";

/**
 * JSON, and what JSON.parse cannot give: a bigint for an exact integer, a Map for the order of keys.
 * Undefined members are absent.
 */
export type Json =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | readonly Json[]
  | ReadonlyMap<string, Json>
  | object;

export function fromJson(json: Json): Value {
  if (json === null || json === undefined) return null;
  if (typeof json === "boolean") return json;
  if (typeof json === "string") {
    allowFor(json.length);
    return json;
  }
  if (typeof json === "number") return fromNumber(json);
  if (typeof json === "bigint") return Number.isSafeInteger(Number(json)) ? Number(json) : json;
  if (Array.isArray(json)) return (json as Json[]).map(fromJson);
  if (json instanceof Map) return Dict.of([...json].map(([key, value]) => [String(key), fromJson(value)]));
  return fromObject(json as Record<string, Json>);
}

function fromNumber(number: number): Value {
  if (!Number.isInteger(number)) return new Float(number);
  return Number.isSafeInteger(number) ? number : new Lost("a number beyond 2^53, whose digits are lost");
}

function fromObject(object: Record<string, Json>): Dict {
  const keys = Object.keys(object);
  const dict = Dict.of(
    keys.flatMap((key) => (object[key] === undefined ? [] : [[key, fromJson(object[key])] as const])),
  );
  // JavaScript puts keys that are array indices first, by size.
  dict.orderLost = keys.some((key) => /^(0|[1-9]\d{0,9})$/.test(key));
  return dict;
}
