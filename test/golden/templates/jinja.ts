// The recorded values of make.py, and what engine/jinja makes of the same templates.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { RatchetError } from "../../../errors/index.ts";
import { UNSUPPORTED_HINT } from "../../../engine/jinja/errors.ts";
import { Template } from "../../../engine/jinja/index.ts";
import type { Json } from "../../../engine/jinja/index.ts";
import { aliasReasoning } from "../../../engine/tokenizer/chat.ts";

/** A template, and the text or the class of the exception; an address: Python prints one of its memory. */
export type Construct = [template: string, python: string | { raises: string } | { address: true }];

interface Constructs {
  values: Record<string, Json>;
  groups: Record<string, Construct[]>;
}

interface Published {
  tokens: Record<string, string>;
  talks: Record<string, { messages: object[] }>;
  templates: Record<string, { template: string; rendered: [string, string][] }>;
}

/** From dist/test/golden/templates to the sources. */
function read<T>(name: string): T {
  const path = fileURLToPath(new URL(`../../../../test/golden/templates/${name}`, import.meta.url));
  return JSON.parse(readFileSync(path, "utf8")) as T;
}

export const CONSTRUCTS = read<Constructs>("constructs.json");
export const PUBLISHED = read<Published>("published.json");

/** That of make.py. */
const NOW = new Date(Date.UTC(2024, 6, 26, 13, 5, 9));

type Outcome = "equal" | "raises" | "refused" | "differs";

/** The class at the beginning of a message; `raise_exception` gives its text alone. */
function classOf(error: unknown): string {
  if (!(error instanceof RatchetError)) return "no RatchetError";
  return /^(\w+(?:Error|Exception))(?:: |$)/.exec(error.message)?.[1] ?? "TemplateError";
}

const outcomes = new Map<Construct, { outcome: Outcome; got: string }>();

export function outcomeOf(construct: Construct): { outcome: Outcome; got: string } {
  const known = outcomes.get(construct) ?? compare(construct);
  outcomes.set(construct, known);
  return known;
}

function compare([template, python]: Construct): { outcome: Outcome; got: string } {
  try {
    const got = new Template(template).render(CONSTRUCTS.values, { now: NOW });
    return { outcome: got === python ? "equal" : "differs", got };
  } catch (error) {
    const got = (error as Error).message;
    if ((error as RatchetError).hint === UNSUPPORTED_HINT) return { outcome: "refused", got };
    const raises = typeof python !== "string" && "raises" in python ? python.raises : undefined;
    return { outcome: classOf(error) === raises ? "raises" : "differs", got };
  }
}

const MARKS = { open: "\uFDD0", close: "\uFDD1" };

/**
 * For each conversation, without and with the generation prompt: the digest of text and assistant's spans,
 * or the exception's class.
 */
export function renderPublished(source: string): string[][] {
  const template = new Template(source);
  return Object.values(PUBLISHED.talks).map((talk) =>
    [false, true].map((prompt) => {
      const variables = {
        tools: null,
        documents: null,
        ...PUBLISHED.tokens,
        ...talk,
        messages: talk.messages.map(aliasReasoning),
        add_generation_prompt: prompt,
      };
      try {
        return digest(template.render(variables, { now: NOW, marks: MARKS }));
      } catch (error) {
        return classOf(error);
      }
    }),
  );
}

function digest(marked: string): string {
  let text = "";
  let spans = "";
  let from = 0;
  for (const part of marked.split(/([\uFDD0\uFDD1])/)) {
    if (part === MARKS.open) from = [...text].length;
    else if (part === MARKS.close) spans += `\0${from},${[...text].length}`;
    else text += part;
  }
  return createHash("sha256")
    .update(text + spans)
    .digest("hex")
    .slice(0, 16);
}

/** The table of docs/parity.md. */
export function tableOf(): string {
  const rows = Object.entries(CONSTRUCTS.groups).map(([name, templates]) => {
    const count = (wanted: Outcome): number =>
      templates.filter((one) => outcomeOf(one).outcome === wanted).length;
    return [name, templates.length, count("equal"), count("raises"), count("refused"), count("differs")];
  });
  const sum = rows[0]!.map((_, i) =>
    i === 0 ? "all" : rows.reduce((total, row) => total + Number(row[i]), 0),
  );
  const head = ["construct", "tried", "equal text", "equal exception", "refused by name", "other"];
  const lines = [head, head.map(() => "---"), ...rows, sum].map((row) => `| ${row.join(" | ")} |`);
  return lines.join("\n");
}
