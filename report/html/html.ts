// HTML as values. Whatever is put into a template is text, unless it is HTML that another template made.
import { visibleText } from "../../errors/index.ts";

export class Html {
  readonly source: string;
  constructor(source: string) {
    this.source = source;
  }
}

type Part = Html | string | number | undefined | readonly Part[];

/** In a text or a quoted attribute. Controls and bidirectional marks become escapes, as on a terminal. */
export const escapeHtml = (text: string): string =>
  visibleText(text).replace(/[&<>"']/g, (found) => `&#${found.charCodeAt(0)};`);

export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  const [first = "", ...rest] = tight(strings);
  return new Html(first + rest.map((text, at) => sourceOf(parts[at]) + text).join(""));
}

const TIGHT = new WeakMap<TemplateStringsArray, string[]>();

/** Without the indentation of the template: it would show where spaces count. */
function tight(strings: TemplateStringsArray): string[] {
  const known = TIGHT.get(strings);
  if (known) return known;
  const found = strings.map((text) =>
    text
      .replace(/>\s*\n\s*/g, ">")
      .replace(/\s*\n\s*</g, "<")
      .replace(/^\s*\n\s*|\s*\n\s*$/g, "")
      .replace(/\s*\n\s*/g, " "),
  );
  TIGHT.set(strings, found);
  return found;
}

function sourceOf(part: Part): string {
  if (part === undefined) return "";
  if (part instanceof Html) return part.source;
  if (Array.isArray(part)) return part.map(sourceOf).join("");
  return escapeHtml(String(part));
}
