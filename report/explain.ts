// What a policy came from, as text and as a graph for Graphviz.
import { showAmended } from "../campaign/spec/amend.ts";
import { visibleLine } from "../errors/index.ts";
import { formatColumns } from "./columns.ts";
import type { Cell, Look } from "./columns.ts";
import { ABSENT } from "./digits.ts";

/** The parts of an explanation that are printed. */
export interface ShownExplanation {
  campaignId: string;
  place: string;
  policy: string;
  specDigest: string;
  amendments: (Parameters<typeof showAmended>[0] & { row: number; at: string })[];
  head: string;
  nodes: {
    digest: string;
    kind: string;
    stage?: string;
    place?: string;
    from: { name: string; digest: string }[];
  }[];
  decisions: { row: number; at: string; by: string; place: string; decision: string; reason?: string }[];
  environments: { ratchet: string; commit?: string; node: string; onnxruntime?: string; host: string }[];
}

const left = (title: string) => ({ title, align: "left" as const });
const short = (digest: string): string => digest.slice(0, 12);

export function formatExplanation(explanation: ShownExplanation, look: Look): string {
  const { campaignId, place, policy, specDigest, amendments, head, nodes, decisions, environments } =
    explanation;
  const lineage = nodes.map(({ digest, kind, stage, place: at, from }): Cell[] => [
    { text: at ?? "the author" },
    { text: stage === undefined ? kind : kind === "tree" ? `${stage}'s model` : stage },
    { text: short(digest) },
    { text: from.map(({ name, digest: of }) => `${name} ${short(of)}`).join(", ") || ABSENT },
  ]);
  const decided = decisions.map(({ row, at, by, place: where, decision, reason }): Cell[] =>
    [String(row), at.slice(0, 19).replace("T", " "), where, decision, by, reason ?? ABSENT].map((text) => ({
      text,
    })),
  );
  const amended = amendments.map((one) =>
    visibleLine(`  row ${one.row}, ${one.at.slice(0, 19).replace("T", " ")}: ${showAmended(one)}`),
  );
  return [
    `${campaignId}: the policy of ${place} is the tree ${policy}\nspec ${specDigest}\nledger's head ${head}`,
    ...(amended.length === 0 ? [] : [`Amendments of the spec:\n${amended.join("\n")}`]),
    `What it came from:\n${formatColumns(["place", "what", "digest", "made from"].map(left), lineage, look)}`,
    ...(decided.length === 0
      ? []
      : [
          `Decisions:\n${formatColumns(
            ["row", "time", "place", "decision", "who", "why"].map(left),
            decided,
            look,
          )}`,
        ]),
    `Computed by:\n${environments
      .map(({ ratchet, commit, node, onnxruntime, host }) =>
        visibleLine(
          `  Ratchet ${ratchet}${commit ? `, commit ${short(commit)}` : ""}, Node ${node}, ` +
            `ONNX Runtime ${onnxruntime ?? ABSENT}, on ${host}`,
        ),
      )
      .join("\n")}`,
  ].join("\n\n");
}

/** An edge leads from an artifact to one of its inputs. */
export function explanationDot({ campaignId, nodes }: ShownExplanation): string {
  const node = ({ digest, kind, stage, place }: ShownExplanation["nodes"][number]): string =>
    `  ${quoted(digest)} [shape=${kind === "result" ? "box" : kind === "tree" ? "ellipse" : "note"}, ` +
    `label=${quoted(`${stage ?? kind}\\n${place ?? "the author"}\\n${short(digest)}`)}];`;
  const edges = nodes.flatMap(({ digest, from }) =>
    from.map(({ name, digest: of }) => `  ${quoted(digest)} -> ${quoted(of)} [label=${quoted(name)}];`),
  );
  return [`digraph ${quoted(campaignId)} {`, "  rankdir=LR;", ...nodes.map(node), ...edges, "}"].join("\n");
}

/** `\n` is Graphviz's line feed, so backslashes stay. */
const quoted = (text: string): string => `"${text.replaceAll('"', '\\"')}"`;

interface ShownCompletion {
  promptId: string;
  index: number;
  answers: {
    place: string;
    text: string;
    score?: number;
    pairs: { role: string; margin?: number }[];
  }[];
  learned: string[];
  descended: string[];
}

export function formatCompletion({ promptId, index, answers, learned, descended }: ShownCompletion): string {
  const lines = answers.flatMap(({ place, text, score, pairs }) => [
    `${promptId}/${index} of ${place}${score === undefined ? "" : `, score ${score.toFixed(3)}`}: ${text}`,
    ...(pairs.length === 0
      ? ["  in no pair"]
      : pairs.map(
          ({ role, margin }) =>
            `  ${role} in a pair${margin === undefined ? "" : `, margin ${margin.toFixed(3)}`}`,
        )),
  ]);
  return [
    ...lines,
    `learned from it: ${learned.join(", ") || "nobody"}`,
    `descended from those: ${descended.join(", ") || "nobody"}`,
  ]
    .map(visibleLine)
    .join("\n");
}
