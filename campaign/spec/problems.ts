// Turns the schema's issues into sentences for the author: path, wrong value, accepted values. For an unknown
// key: the known key with the most similar name, or the section where the key belongs.
import type { z } from "zod";
import type { Problem } from "../../errors/index.ts";
import { specJsonSchema } from "./schema.ts";
import { nearest } from "./suggest.ts";
import { pathText, valueAt, wrongValue } from "./wording.ts";
import type { Path } from "./wording.ts";

type Issue = z.core.$ZodIssue;

/** `at`: path for finding the line. */
interface LocatedProblem extends Problem {
  at: PropertyKey[];
}

export function problemsOf(issues: readonly Issue[], written: unknown): LocatedProblem[] {
  return issues.flatMap((issue) => describe(issue, [], written));
}

function describe(issue: Issue, prefix: Path, written: unknown): LocatedProblem[] {
  const path = [...prefix, ...issue.path];
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(path, key));
  const value = valueAt(written, path);
  if (issue.code === "invalid_union") {
    const branch =
      typeof value === "object" && value !== null
        ? issue.errors.find((errors) => errors.every(isInside))
        : undefined;
    if (branch) return branch.flatMap((inner) => describe(inner, path, written));
  }
  if (issue.code === "custom")
    return [{ at: path, path: pathText(path), message: `${pathText(path) || "the spec"} ${issue.message}` }];
  if (issue.code === "invalid_key")
    return [
      { at: path, path: pathText(path), message: `${pathText(path)} must be ${issue.issues[0]?.message}` },
    ];
  return [{ at: path, path: pathText(path), message: wrongField(path, value, issue.message) }];
}

/** False for an issue about the value's own type. */
const isInside = (issue: Issue): boolean =>
  issue.path.length > 0 || issue.code === "unrecognized_keys" || issue.code === "custom";

function wrongField(path: Path, value: unknown, accepted: string): string {
  const name = pathText(path) || "the spec";
  // The value is not shown, because somebody may have written the secret itself in place of its name.
  return path.includes("env") ? `${name} must be ${accepted}` : wrongValue(name, value, accepted);
}

const LABELS_NOW =
  "labels on answers of π_0 are a section now: " +
  "bootstrap.labels: {comparisons, sample: {samples, maxTokens}, labelers: {module}}";

/** Keys of earlier specs, with what to write now. */
const REPLACED: Record<string, string> = {
  "bootstrap.preferences.sample": LABELS_NOW,
  "bootstrap.preferences.rater": LABELS_NOW,
  "prompts.preferences": "write prompts.bootstrap: the prompts of bootstrap.labels",
};

function unknownKey(path: Path, key: string): LocatedProblem {
  const here = pathText(path);
  const known = keysAt(path);
  const slip = nearest(key, known);
  const elsewhere = sectionsWith(key);
  const replaced = REPLACED[pathText([...path, key])];
  const hint = replaced
    ? replaced
    : slip
      ? `did you mean ${slip}?`
      : elsewhere.length > 0
        ? `${key} belongs in ${elsewhere.join(" or ")}`
        : `known here: ${known.join(", ")}`;
  return {
    at: [...path, key],
    path: pathText([...path, key]),
    message: `unknown key ${key} in ${here || "the spec"}`,
    hint,
  };
}

// ---------------------------------------------------------------- known keys, from the JSON Schema

interface Node {
  properties?: Record<string, Node>;
  items?: Node;
  anyOf?: Node[];
  oneOf?: Node[];
}

/** A node and its alternatives. */
const alternatives = (node: Node): Node[] => [
  node,
  ...[...(node.anyOf ?? []), ...(node.oneOf ?? [])].flatMap(alternatives),
];

function keysAt(path: Path): string[] {
  let nodes = alternatives(specJsonSchema() as Node);
  for (const key of path) {
    nodes = nodes.flatMap((node) => {
      const inner = typeof key === "number" ? node.items : node.properties?.[String(key)];
      return inner ? alternatives(inner) : [];
    });
  }
  return [...new Set(nodes.flatMap((node) => Object.keys(node.properties ?? {})))];
}

function sectionsWith(key: string): string[] {
  const found: string[] = [];
  const walk = (node: Node, path: string[]) => {
    for (const [name, inner] of Object.entries(node.properties ?? {})) {
      if (name === key) found.push(path.join(".") || "the top level");
      walk(inner, [...path, name]);
    }
    for (const inner of alternatives(node).slice(1)) walk(inner, path);
    if (node.items) walk(node.items, path);
  };
  walk(specJsonSchema() as Node, []);
  return [...new Set(found)];
}
