// Preference rows without a prompt: the common beginning of both answers is the prompt, by TRL's rule (1.13).
// Messages are compared whole, text by code points. A space before the first difference belongs to the
// answers, because tokens begin with their space.
import type { Message } from "./rows.ts";

export interface Split<T> {
  prompt: T;
  chosen: T;
  rejected: T;
}

export function splitText(chosen: string, rejected: string): Split<string> {
  const points = [...chosen];
  const { length, differs } = commonBeginning(points, [...rejected], (a, b) => a === b);
  const prompt = points.slice(0, differs && points[length - 1] === " " ? length - 1 : length).join("");
  return { prompt, chosen: chosen.slice(prompt.length), rejected: rejected.slice(prompt.length) };
}

export function splitMessages(chosen: Message[], rejected: Message[]): Split<Message[]> {
  const { length } = commonBeginning(
    chosen,
    rejected,
    (a, b) => a.role === b.role && a.content === b.content,
  );
  return { prompt: chosen.slice(0, length), chosen: chosen.slice(length), rejected: rejected.slice(length) };
}

/**
 * If one answer begins with all of the other, the last shared part stays with the answers: neither is empty.
 */
function commonBeginning<T>(
  a: T[],
  b: T[],
  equal: (a: T, b: T) => boolean,
): { length: number; differs: boolean } {
  const shorter = Math.min(a.length, b.length);
  for (let i = 0; i < shorter; i++) if (!equal(a[i]!, b[i]!)) return { length: i, differs: true };
  return { length: Math.max(0, shorter - 1), differs: false };
}
