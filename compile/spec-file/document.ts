// A campaign file in YAML or JSON.
import { readFile } from "node:fs/promises";
import { isMap, isScalar, isSeq, LineCounter, parseDocument } from "yaml";
import { RatchetError } from "../../errors/index.ts";
import { decodeUtf8 } from "../../campaign/rows/utf8.ts";

/** In place of a message about the stack. */
const TOO_DEEP = "values are nested too deep";

interface ReadDocument {
  written: unknown;
  /** By path, as JSON. */
  lines: Map<string, number>;
}

/** JSON is parsed as YAML, its superset, so that both have line numbers and refuse a repeated key. */
export async function readDocument(file: string, name: string): Promise<ReadDocument> {
  const source = decodeUtf8(await readFile(file));
  if (source === undefined) throw new RatchetError("spec_unreadable", `${name} is not UTF-8`);
  const counter = new LineCounter();
  const document = parsed(name, () =>
    parseDocument(source, { lineCounter: counter, prettyErrors: false, logLevel: "error" }),
  );
  // A warning is a tag or a directive that the parser does not know, and would leave out.
  const error = document.errors[0] ?? document.warnings[0];
  if (error) {
    const { line } = counter.linePos(error.pos[0]);
    const fault = error.message.includes("call stack") ? TOO_DEEP : error.message;
    throw new RatchetError("spec_unreadable", `${name}:${line}: ${fault}`, { line, cause: error });
  }
  // The parser limits how often aliases repeat a value.
  const written = parsed(name, () => document.toJS() as unknown);
  const lines = new Map<string, number>();
  addLines(lines, [], document.contents, (position) => counter.linePos(position).line);
  return { written, lines };
}

/** The parser's faults without a line: an overflow of the stack, or too many aliases. */
function parsed<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    const fault = cause instanceof RangeError ? TOO_DEEP : (cause as Error).message;
    throw new RatchetError("spec_unreadable", `${name} cannot be read: ${fault}`, { cause });
  }
}

type Range = { range?: [number, number, number] | null } | null | undefined;

/** A value has the line of its key; an entry of a list has its own. */
function addLines(
  lines: Map<string, number>,
  path: (string | number)[],
  node: unknown,
  lineAt: (position: number) => number,
): void {
  const entries = isMap(node)
    ? node.items.flatMap(({ key, value }) => (isScalar(key) ? [{ at: key.value, placed: key, value }] : []))
    : isSeq(node)
      ? node.items.map((value, at) => ({ at, placed: value, value }))
      : [];
  for (const { at, placed, value } of entries) {
    const inner = [...path, at as string | number];
    const start = (placed as Range)?.range?.[0];
    if (start !== undefined) lines.set(JSON.stringify(inner), lineAt(start));
    addLines(lines, inner, value, lineAt);
  }
}
