// Durations for people: printed and parsed.
import { RatchetError } from "../errors/index.ts";

/** `4 s`, `12 min`, `1 h 05 min`, `3 d 2 h`. */
export function showDuration(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${Math.max(0, seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${String(minutes % 60).padStart(2, "0")} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

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
