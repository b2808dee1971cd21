// What the figures rest on: digests, versions and machines.
import type { ReportEnvironment, ReportRecord } from "../record.ts";
import { ABSENT } from "../digits.ts";
import { left } from "./columns.ts";
import type { Section, Table } from "./types.ts";

export function provenanceSection({ campaign, places, spec, head }: ReportRecord): Section {
  return {
    id: "record",
    title: "The record",
    text: [
      "Every figure above follows from the store's record. `ratchet verify` hashes that record " +
        "again; with the " +
        "head of the ledger it also finds rows that were removed or rewritten.",
    ],
    figures: [],
    tables: [
      {
        caption: "Digests (SHA-256).",
        columns: [left("of"), left("digest")],
        rows: [
          { cells: ["compiled spec", campaign.specDigest] },
          { cells: ["head of the ledger", head] },
          { cells: ["prompts of the iterations", spec.prompts.iterations.rows] },
          { cells: ["validation prompts", spec.prompts.validation.rows] },
          { cells: ["test prompts", spec.prompts.test.rows] },
          ...(campaign.promoted
            ? [{ cells: ["promoted policy (tree)", campaign.promoted.policy], marked: true }]
            : []),
        ],
      },
      {
        caption: "Policies by place: digests of the checkpoint's tree and of its model.safetensors.",
        columns: [left("place"), left("tree"), left("weights")],
        rows: places.map(({ place, policy, weights }) => ({ cells: [place, policy, weights ?? ABSENT] })),
      },
      environments(places),
    ],
    source: { name: "The compiled spec", text: JSON.stringify(spec, null, 2) },
  };
}

function environments(places: ReportRecord["places"]): Table {
  const found = new Map<string, { environment: ReportEnvironment; places: string[] }>();
  for (const { place, environments: own } of places)
    for (const environment of own) {
      const key = JSON.stringify(environment);
      found.set(key, { environment, places: [...(found.get(key)?.places ?? []), place] });
    }
  return {
    caption: "Versions and machines that computed.",
    columns: ["Ratchet", "commit", "Node", "ONNX Runtime", "machine", "device", "places"].map(left),
    rows: [...found.values()].map(({ environment, places: at }) => ({
      cells: [
        environment.ratchet,
        environment.commit === undefined
          ? ABSENT
          : environment.commit.slice(0, 12) + (environment.dirty ? " with changes" : ""),
        environment.node,
        environment.onnxruntime ?? ABSENT,
        `${environment.host}, ${environment.cpu}`,
        environment.device ?? ABSENT,
        at.length > 3 ? `${at[0]} … ${at.at(-1)} (${at.length})` : at.join(", "),
      ],
    })),
  };
}
