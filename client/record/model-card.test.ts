import assert from "node:assert/strict";
import { it } from "node:test";
import { parse } from "yaml";
import type { LedgerEvent } from "../../campaign/types.ts";
import { openStore } from "../../store/index.ts";
import { modelCard } from "./model-card.ts";
import { finishedPlaces } from "./places.ts";
import { requireCampaign } from "./record.ts";

const SOURCES = [
  { use: "policy", hub: "org/base", revision: "main", commit: "a".repeat(40) },
  { use: "prompts", hub: "org/questions", revision: "main", commit: "b".repeat(40), split: "train" },
  { use: "sft", hub: "org/questions", revision: "main", commit: "b".repeat(40), split: "sft" },
];

async function cardOf(
  sources: object[] | undefined,
): Promise<{ metadata: object; text: string; tree: string }> {
  const store = await openStore("memory:");
  const tree = await store.putJson({ schema: "ratchet.tree/1", files: [] });
  const loss = [
    { type: "sigmoid", weight: 1 },
    { type: "sft", weight: 0.5 },
  ];
  const specDigest = await store.putJson({ iterations: 2, train: { loss } });
  const winRate = { value: 0.612345, low: 0.5, high: 0.7 };
  const metrics = { prompts: 9, completions: 36, winRate, judgedBy: "judge", length: 3, truncated: 0, kl: 1 };
  const test = await store.putJson({ metrics });
  const train = await store.putJson({ weights: "c".repeat(64), start: tree, data: "d".repeat(64) });
  const events = [
    { type: "created", specDigest, name: "shop", sources },
    { type: "bootstrap-finished", bootstrap: { policy: tree, opponent: test }, stages: { test, train } },
  ];
  for (const [n, event] of events.entries())
    await store.ledger("shop").append({ id: `row-${n}`, epoch: 0, event: event as LedgerEvent, by: "ada" });
  const { record } = await requireCampaign(store, "shop");
  const text = await modelCard(store, record, finishedPlaces(record)[0]!);
  const [, head = "", body = ""] = /^---\n([^]*?)\n---\n\n([^]*)$/.exec(text) ?? [];
  return { metadata: parse(head) as object, text: body, tree };
}

it("names base model, data sets, losses and figures in its metadata", async () => {
  const { metadata } = await cardOf(SOURCES);
  assert.deepEqual(metadata, {
    library_name: "transformers",
    pipeline_tag: "text-generation",
    base_model: "org/base",
    base_model_relation: "finetune",
    datasets: ["org/questions"],
    tags: ["rlhf", "preference-optimization", "loss-sigmoid", "loss-sft", "ratchet"],
    "model-index": [
      {
        name: "shop-it-0000.1",
        results: [
          {
            task: { type: "text-generation" },
            dataset: { type: "org/questions", name: "test split of shop, 9 prompts" },
            metrics: [
              { type: "win_rate", name: "win rate against π_0 by the judge", value: 0.6123 },
              { type: "length", name: "mean tokens of an answer", value: 3 },
              { type: "truncated", name: "share of answers that were cut off", value: 0 },
              { type: "kl", name: "KL from π_0, nats per answer", value: 1 },
            ],
          },
        ],
      },
    ],
  });
});

it("has figures and lineage as text, and no member that the record does not know", async () => {
  const { metadata, text, tree } = await cardOf(undefined);
  assert.ok(!("base_model" in metadata) && !("datasets" in metadata));
  assert.match(text, /^\| win rate against π_0 by the judge \| 0\.6123 \| 0\.5 to 0\.7 \|$/m);
  assert.ok(text.includes(`| this checkpoint (tree) | \`${tree}\` |`));
  assert.match(text, /^ {4}ratchet verify shop --head [0-9a-f]{64}\n {4}ratchet explain shop\/0$/m);
});
