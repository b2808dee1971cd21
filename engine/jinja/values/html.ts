// HTML escaping as markupsafe does it. Chat templates escape nothing by themselves, but what is added to a
// `safe` text is escaped.
import { spendText } from "../budget.ts";
import { str } from "./repr.ts";
import { Markup } from "./types.ts";
import type { Value } from "./types.ts";

const ENTITIES: Record<string, string> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "'": "&#39;",
  '"': "&#34;",
};

export function escapeHtml(value: Value): string {
  if (value instanceof Markup) return value.text;
  const text = str(value);
  spendText(text.length);
  return text.replace(/[&<>'"]/g, (character) => ENTITIES[character]!);
}
