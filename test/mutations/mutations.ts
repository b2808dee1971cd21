// One-line defects such as a careless change leaves behind. Each replaces one line of the compiled product
// and names the faults with which chaos should find it. The test beside this file fails when a line no longer
// exists.
import type { Kind, Stage, StoreKind } from "../chaos/pairs.ts";

export interface Mutation {
  name: string;
  /** Path below dist/. */
  file: string;
  /** Occurs exactly once in the file. */
  line: string;
  instead: string;
  /** faults: a seed stops after this many landed faults; 3 if absent. */
  chaos: { store: StoreKind; kinds: readonly Kind[]; stages?: readonly Stage[]; faults?: number };
}

const KILLS = ["worker-kill", "engine-kill"] as const;

export const MUTATIONS: readonly Mutation[] = [
  {
    name: "412 taken as success",
    file: "store/backends/s3.js",
    line: "return settle(key, bytes, error);",
    instead: 'return "created";',
    chaos: { store: "s3", kinds: ["s3-412"], stages: ["generate", "seal", "train", "append"] },
  },
  {
    name: "bytes are not synced before they are named",
    file: "store/backends/dir.js",
    line: "await sync(temporary);",
    instead: "",
    chaos: { store: "dir", kinds: ["power-loss"], stages: ["sft", "generate", "score", "train"] },
  },
  {
    name: "the folder is not synced after a name was made",
    file: "store/backends/dir.js",
    line: "await sync(dirname(path));",
    instead: "",
    chaos: { store: "dir", kinds: ["power-loss"], stages: ["generate", "pair", "answer", "append"] },
  },
  {
    name: "a blob's digest is not checked on read",
    file: "store/blobs.js",
    line: [
      "if (found !== digest)",
      "                throw corrupt(digest, found, this.backend);",
      "            return bytes;",
    ].join("\n"),
    instead: "return bytes;",
    chaos: { store: "s3", kinds: ["s3-flipped-answer"], stages: ["score", "pair", "train", "promote"] },
  },
  {
    name: "an adopted manifest is not verified",
    file: "store/manifests.js",
    line: "if (seal !== found || stored.digest !== canonicalDigest(stored.result))",
    instead: "if (seal === undefined)",
    // The seed chooses the flipped byte. Half of the bytes are in facts, which no result shows.
    chaos: { store: "s3", kinds: ["s3-flipped-answer"], stages: ["seal"], faults: 8 },
  },
  {
    name: "a piece that is computed again holds a row twice",
    file: "activities/pieces.js",
    line: "const text = formatRows(rows);",
    instead: "const text = formatRows(context.attempt > 1 ? [...rows, rows[0]] : rows);",
    chaos: { store: "dir", kinds: KILLS, stages: ["generate", "answer"] },
  },
  {
    name: "a completion's seed depends on the attempt",
    file: "activities/stages/generate.js",
    line: "seed: completionSeed(spec.seed, place, prompt.id, index) };",
    instead:
      "seed: completionSeed(spec.seed, place, prompt.id, index + (arguments[0].attempt > 1 ? 100 : 0)) };",
    chaos: { store: "dir", kinds: KILLS, stages: ["generate", "answer"] },
  },
  {
    name: "a run that was overtaken while it opened continues",
    file: "activities/open.js",
    line: "if (own && record.epoch > own.epoch)",
    instead: "if (false)",
    chaos: { store: "dir", kinds: ["take-over"], stages: ["open"] },
  },
  {
    name: "a lost epoch is ignored",
    file: "store/ledger.js",
    line: "if (highest > row.epoch)",
    instead: "if (highest < 0)",
    chaos: { store: "dir", kinds: ["take-over"], stages: ["append", "score", "promote"] },
  },
  {
    name: "a create replaces what is there",
    file: "store/backends/dir.js",
    line: "await link(temporary, path).catch(",
    instead: "await rename(temporary, path).catch(",
    chaos: { store: "dir", kinds: ["take-over"], stages: ["append"] },
  },
  {
    // Only below results/: the probe with which the product checks a store would find the mutation above.
    name: "a commit replaces what is there",
    file: "store/backends/dir.js",
    line: "await link(temporary, path).catch(",
    instead: 'await (path.includes("/results/") ? rename : link)(temporary, path).catch(',
    chaos: { store: "dir", kinds: ["twice"], stages: ["generate", "score", "answer"] },
  },
  {
    name: "a finished piece is computed again",
    file: "activities/pieces.js",
    line: "if (await store.readManifest(key)) {",
    instead: "if (context.attempt === 1 && (await store.readManifest(key))) {",
    chaos: { store: "dir", kinds: KILLS, stages: ["generate", "answer"] },
  },
  {
    name: "checkpoints of a finished training stay",
    file: "activities/stages/train.js",
    line: "await checkpoints.clear();\n        return trained(committed.digest",
    instead: "return trained(committed.digest",
    chaos: { store: "dir", kinds: KILLS, stages: ["train"] },
  },
  {
    name: "the optimizer's moments are not restored",
    file: "engine/train/train.js",
    line: "resume && { first: resume.firstMoments, second: resume.secondMoments }",
    instead: "undefined",
    chaos: { store: "dir", kinds: KILLS, stages: ["sft", "reward", "train"] },
  },
  {
    name: "the position in the data is off by one after a resume",
    file: "engine/train/run.js",
    line: "const batch = this.parts.plan.steps[step - 1];",
    instead:
      "const batch = this.parts.plan.steps[Math.min(this.steps, step + (this.options.resume ? 1 : 0)) - 1];",
    chaos: { store: "dir", kinds: KILLS, stages: ["sft", "reward", "train"] },
  },
  {
    name: "a retry trains from the start instead of its checkpoint",
    file: "activities/stages/checkpoints.js",
    line: "for (const key of (await this.keys()).reverse())",
    instead: "for (const key of [])",
    chaos: { store: "dir", kinds: KILLS, stages: ["sft", "reward", "train"] },
  },
  {
    name: "the same label sent again is another label",
    file: "labels/give.js",
    line: "if (isSame(mine.label, given))",
    instead: "if (false)",
    chaos: { store: "dir", kinds: ["page-kill", "twice"], stages: ["give"] },
  },
  {
    name: "a label is told before it is stored",
    file: "labels/give.js",
    line: 'if ((await createLabel(this.store.backend, key, label)) === "created") {',
    instead: "void createLabel(this.store.backend, key, label).catch(() => undefined);\n            {",
    chaos: { store: "dir", kinds: ["disk-full", "page-kill"], stages: ["give"] },
  },
  {
    name: "a label replaces what is there",
    file: "labels/label.js",
    line: "backend.putIfAbsent(key, bytesOf(key, label));",
    instead: 'backend.put(key, bytesOf(key, label)).then(() => "created");',
    chaos: { store: "dir", kinds: ["twice"], stages: ["give"] },
  },
  {
    name: "the audit part is trained on",
    file: "campaign/labeling/majority.js",
    line: "if (audit)",
    instead: "if (false)",
    chaos: { store: "dir", kinds: ["worker-kill", "page-kill"], stages: ["label", "give"] },
  },
  {
    name: "too few labels at the deadline close the questionnaire",
    file: "activities/stages/label.js",
    line: "const missing = trained >= minimum ? undefined",
    instead: "const missing = trained >= 0 ? undefined",
    chaos: { store: "dir", kinds: ["deadline-passed"], stages: ["label"] },
  },
];
