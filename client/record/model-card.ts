// The model card of an exported checkpoint, as README.md of the Hugging Face hub: metadata in YAML, then
// figures and lineage. It says only what the record says.
import type { CompiledSpec } from "../../campaign/spec/compiled.ts";
import type {
  CampaignRecord,
  EvaluateMetrics,
  EvaluateResult,
  HubSource,
  Interval,
  LedgerRow,
  TrainResult,
} from "../../campaign/types.ts";
import { placeAddress } from "../../campaign/ids.ts";
import { specAt } from "../../campaign/specs-in-force.ts";
import type { Store } from "../../store/types.ts";
import type { FinishedPlace } from "./places.ts";
import { readSpecAt } from "./record.ts";
import { readRows } from "./rows.ts";

interface CardFacts {
  record: CampaignRecord;
  place: FinishedPlace;
  spec: CompiledSpec;
  sources: readonly HubSource[];
  metrics: EvaluateMetrics | undefined;
  train: TrainResult | undefined;
  head: string;
}

export async function modelCard(store: Store, record: CampaignRecord, place: FinishedPlace): Promise<string> {
  const { stringify } = await import("yaml");
  const { rows, digests } = await readRows(store, record.campaignId);
  const { train = place.stages.sft, test } = place.stages;
  const facts: CardFacts = {
    record,
    place,
    spec: await readSpecAt(store, record, place.place),
    sources: sourcesOf(rows),
    metrics: test === undefined ? undefined : (await store.getJson<EvaluateResult>(test)).metrics,
    train: train === undefined ? undefined : await store.getJson<TrainResult>(train),
    head: digests.at(-1)!,
  };
  return `---\n${stringify(metadata(facts))}---\n\n${body(facts)}`;
}

function sourcesOf([first]: readonly LedgerRow[]): readonly HubSource[] {
  return first?.event.type === "created" ? (first.event.sources ?? []) : [];
}

/** https://huggingface.co/docs/hub/model-cards: members that the hub reads. */
function metadata({ record, place, spec, sources, metrics }: CardFacts): object {
  const base = sources.find(({ use }) => use === "policy")?.hub;
  const datasets = sources.flatMap(({ use, hub }) =>
    use === "policy" || use === "preferenceModel" ? [] : [hub],
  );
  const figures = metrics && figuresOf(metrics);
  return {
    library_name: "transformers",
    pipeline_tag: "text-generation",
    base_model: base,
    base_model_relation: base && "finetune",
    datasets: datasets.length === 0 ? undefined : [...new Set(datasets)],
    tags: ["rlhf", "preference-optimization", ...lossesOf(spec).map((loss) => `loss-${loss}`), "ratchet"],
    "model-index": figures && [
      {
        name: `${record.campaignId}-${place.name}`,
        results: [
          {
            task: { type: "text-generation" },
            dataset: {
              type: datasets[0] ?? record.campaignId,
              name: `test split of ${record.campaignId}, ${metrics.prompts} prompts`,
            },
            metrics: figures.map(({ type, name, value }) => ({ type, name, value: rounded(value) })),
          },
        ],
      },
    ],
  };
}

interface CardFigure {
  type: string;
  name: string;
  value: number;
  interval?: Interval | undefined;
}

const JUDGES = { gold: "the true reward", judge: "the judge", reward: "the proxy, which is not held out" };

function figuresOf(metrics: EvaluateMetrics): CardFigure[] {
  const { winRate, lengthControlled, judgedBy, gold, proxy, length, truncated, kl } = metrics;
  const by = judgedBy ? JUDGES[judgedBy] : "nobody";
  const all: (Omit<CardFigure, "value"> & { value: number | undefined })[] = [
    { type: "win_rate", name: `win rate against π_0 by ${by}`, value: winRate?.value, interval: winRate },
    {
      type: "length_controlled_win_rate",
      name: "the same at equal length",
      value: lengthControlled?.value,
      interval: lengthControlled,
    },
    { type: "true_reward", name: "mean true reward", value: gold },
    { type: "proxy", name: "mean of the proxy that training used", value: proxy },
    { type: "length", name: "mean tokens of an answer", value: length },
    { type: "truncated", name: "share of answers that were cut off", value: truncated },
    { type: "kl", name: "KL from π_0, nats per answer", value: kl },
  ];
  return all.flatMap(({ value, ...rest }) => (value === undefined ? [] : [{ ...rest, value }]));
}

const rounded = (value: number): number => Number(value.toFixed(4));

const lossesOf = ({ train: { loss } }: CompiledSpec): string[] =>
  [loss].flat().map((one) => (typeof one === "string" ? one : one.type));

function body(facts: CardFacts): string {
  const { record, place, metrics, spec } = facts;
  const { campaignId, promoted } = record;
  const decision =
    place.policy === promoted?.policy ? "It is the promoted policy." : "It is not the promoted policy.";
  return [
    `# ${campaignId} ${place.name}`,
    `A policy of the online RLHF campaign \`${campaignId}\` (${spec.iterations} iterations). ${decision}`,
    ...(metrics ? ["## Figures", figureTable(metrics)] : []),
    "## Lineage",
    lineageTable(facts),
    "Each digest is the SHA-256 of bytes in the campaign's store. These commands check them there:",
    [
      `    ratchet verify ${campaignId} --head ${facts.head}`,
      `    ratchet explain ${placeAddress(campaignId, place.place)}`,
    ].join("\n"),
    "This card says what the campaign measured. Its test prompts may not cover your use.\n",
  ].join("\n\n");
}

function figureTable(metrics: EvaluateMetrics): string {
  const rows = figuresOf(metrics).map(({ name, value, interval }) => {
    const bounds = interval ? `${rounded(interval.low)} to ${rounded(interval.high)}` : "";
    return `| ${name} | ${rounded(value)} | ${bounds} |`;
  });
  return [
    `Test split, ${metrics.prompts} prompts, ${metrics.completions} answers.`,
    "",
    "| figure | value | 95 % interval |",
    "| --- | ---: | --- |",
    ...rows,
  ].join("\n");
}

function lineageTable({ record, place, sources, train, head }: CardFacts): string {
  const rows: [string, string | undefined][] = [
    ["this checkpoint (tree)", place.policy],
    ["model.safetensors", train?.weights],
    ["trained from (tree)", train?.start],
    ["reference of the loss (tree)", train?.reference],
    ["training data", train?.data],
    ["spec", specAt(record.specs, place.place).specDigest],
    [`ledger, row ${record.rows - 1}`, head],
  ];
  return [
    "| what | SHA-256 |",
    "| --- | --- |",
    ...rows.flatMap(([what, digest]) => (digest === undefined ? [] : [`| ${what} | \`${digest}\` |`])),
    ...sources.map(({ use, hub, commit }) => `| ${use}: ${hub} | commit \`${commit}\` |`),
  ].join("\n");
}
