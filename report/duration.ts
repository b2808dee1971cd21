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

/** `0:41:07`: hours, minutes, seconds, for a column. */
export function showClock(ms: number): string {
  const seconds = Math.round(Math.max(0, ms) / 1000);
  const two = (value: number): string => String(value % 60).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60))}:${two(seconds)}`;
}
