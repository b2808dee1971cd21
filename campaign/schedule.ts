// Ids of scheduled campaigns: a template and the scheduled time, in the schedule's time zone.
import { isCampaignId } from "./ids.ts";

const PLACEHOLDER = /\{\{\s*(.*?)\s*\}\}/g;

const DATE = { year: "numeric", month: "2-digit", day: "2-digit" } as const;
const TIME = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;

/** In Canada, a date is written 2026-12-01 and a time 01:30:00. */
const local = (at: Date, timeZone: string, parts: Intl.DateTimeFormatOptions): string =>
  new Intl.DateTimeFormat("en-CA", { timeZone, ...parts }).format(at);

/** What a placeholder stands for. */
const VALUES = new Map([
  ["date", (at: Date, timeZone: string) => local(at, timeZone, DATE)],
  ["time", (at: Date, timeZone: string) => local(at, timeZone, TIME).replaceAll(":", "")],
]);

/** `nightly-{{date}}` → `nightly-2026-12-01`; `{{time}}` → `013000`. */
export const scheduledId = (template: string, at: Date, timeZone: string): string =>
  template.replace(PLACEHOLDER, (written, name: string) => VALUES.get(name)?.(at, timeZone) ?? written);

/** Why the template makes no ids of campaigns; undefined if it does. */
export function templateProblem(template: string): { message: string; hint: string } | undefined {
  const names = [...template.matchAll(PLACEHOLDER)].map(([, name = ""]) => name);
  const unknown = names.find((name) => !VALUES.has(name));
  const known = [...VALUES.keys()].map((name) => `{{${name}}}`);
  if (unknown !== undefined)
    return { message: `{{${unknown}}} stands for nothing`, hint: `there are ${known.join(" and ")}` };
  if (names.length === 0)
    return {
      message: `${JSON.stringify(template)} is the same id at each firing`,
      hint: `put ${known.join(" or ")} in it: ${template}-{{date}}`,
    };
  if (isCampaignId(scheduledId(template, new Date(0), "UTC"))) return undefined;
  return {
    message: `${JSON.stringify(template)} makes no campaign id`,
    hint: "lower-case letters, digits, dot, - and _, at most 63, the first a letter or digit",
  };
}

/** As the zone's database on this machine knows it. */
export function isTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone });
    return true;
  } catch {
    return false;
  }
}
