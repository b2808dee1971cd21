// Durations as people write them.
import { RatchetError } from "../errors/index.ts";

const UNIT_MS: Record<string, number> = {
  ms: 1,
  s: 1000,
  min: 60_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `90s`, `15min`, `2h`. */
export function parseDuration(text: string): number {
  const [, value, unit] = /^(\d+(?:\.\d+)?)\s*(ms|s|min|m|h|d)$/.exec(text.trim()) ?? [];
  if (value === undefined || unit === undefined) {
    throw new RatchetError("usage_invalid", `${JSON.stringify(text)} is not a duration`, {
      hint: "write a number with its unit: 90s, 15min, 2h",
    });
  }
  return Number(value) * (UNIT_MS[unit] ?? 1);
}

/** `2d` is that long ago; `2026-11-30` and `2026-11-30T12:00Z` are a date. */
export function parseSince(text: string, nowMs = Date.now()): Date {
  if (!/^\d{4}-/.test(text)) return new Date(nowMs - parseDuration(text));
  const date = new Date(text);
  if (!Number.isNaN(date.getTime())) return date;
  throw new RatchetError("usage_invalid", `${JSON.stringify(text)} is no date`, {
    hint: "write 2026-11-30, 2026-11-30T12:00Z or a duration: 12h, 2d",
  });
}
