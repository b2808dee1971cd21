// pair: preference pairs in TRL's columns, with a report of the dropped groups and the reasons. The rules are
// pure functions in campaign/recipe/ and campaign/labeling/. This stage reads the rows and commits.
import { RatchetError } from "../../errors/index.ts";
import { pairLimitAt } from "../../campaign/spec/pair-limit.ts";
import type { PairSettings } from "../../campaign/spec/compiled.ts";
import { Pairer, summary } from "../../campaign/recipe/pairing.ts";
import { formatRows } from "../../campaign/recipe/rows.ts";
import type { PairRow } from "../../campaign/recipe/rows.ts";
import { deriveSeed } from "../../campaign/recipe/seeds.ts";
import { addressOf, stamp } from "../address.ts";
import { pieceRows, promptsById, resultOf, rowsOnce } from "../artifacts.ts";
import type { Digest, GenerateResult, PairReport, PairResult, ScoreResult } from "../../campaign/types.ts";
import type { Completion, Prompt } from "../../runtimes/types.ts";
import type { PairInput, StageDone } from "../contract.ts";
import type { StageContext } from "../attempt/context.ts";
import { commitOnce } from "../single.ts";
import { replayedPairs } from "./replayed-pairs.ts";
import { labeledPairs } from "./labeled-pairs.ts";
import type { Score } from "./score.ts";

interface Made {
  pairs: readonly PairRow[];
  report: PairReport;
}

export async function pair(context: StageContext<PairInput>): Promise<StageDone> {
  const { store } = context.deps;
  const { from, source, replay } = context.input;
  const settings = { ...context.spec.pair, limit: pairLimitAt(context.spec, context.input.place) };
  const file = from === "file" ? fileRows(context) : undefined;
  const { seed } = context.spec;
  const { digest, result } = await commitOnce(
    context,
    {
      from,
      source,
      settings,
      file,
      seed,
      replay,
      share: from === "replay" ? context.spec.labels?.refit?.replay : undefined,
    },
    async (): Promise<PairResult> => {
      const { pairs, report } = await make(context, settings);
      if (pairs.length === 0) throw noPairs(context, report);
      return {
        ...stamp(context),
        stage: "pair",
        source: source ?? (file as Digest),
        settings: addressOf(settings),
        pairs: await store.putBlob(formatRows(pairs)),
        replay,
        report,
      };
    },
    ({ pairs }) => [pairs],
  );
  return done(digest, result);
}

async function make(context: StageContext<PairInput>, settings: PairSettings): Promise<Made> {
  const { store } = context.deps;
  const { from, source = "" } = context.input;
  switch (from) {
    case "scores":
      return scored(context, settings, source);
    case "labels":
      return labeledPairs(context, source, settings.limit);
    case "replay":
      return replayedPairs(context, source, context.input.replay);
    case "file":
      return reported(await rowsOnce<PairRow>(store, fileRows(context)), 0);
    case "preferences": {
      // The bootstrap's pairs, as many as the baseline trains on.
      const { pairs } = await resultOf<PairResult>(store, source);
      return reported(await rowsOnce<PairRow>(store, pairs), settings.limit);
    }
  }
}

/** Reads one piece at a time: generate and score have the same pieces, and a piece holds whole groups. */
async function scored(
  context: StageContext<PairInput>,
  settings: PairSettings,
  source: Digest,
): Promise<Made> {
  const { store } = context.deps;
  const { pieces, completions } = await resultOf<ScoreResult>(store, source);
  const generated = await resultOf<GenerateResult>(store, completions);
  const prompts = await promptsById(store, generated.prompts);
  const scores = pieceRows<Score>(store, pieces);
  const pairer = new Pairer(settings, deriveSeed(context.spec.seed, context.place));
  for await (const rows of pieceRows<Completion>(store, generated.pieces)) {
    const candidates = withScores(rows, ((await scores.next()).value as Score[] | undefined) ?? []);
    for (const group of groups(candidates, prompts)) pairer.add(group);
  }
  return pairer.pairing();
}

function withScores(completions: Completion[], scores: Score[]): (Completion & { score: number })[] {
  const byAnswer = new Map(scores.map(({ promptId, index, score }) => [`${promptId}/${index}`, score]));
  return completions.map((row) => {
    const score = byAnswer.get(`${row.promptId}/${row.index}`);
    if (score === undefined)
      throw new RatchetError("unreachable_state", `completion ${row.promptId}/${row.index} has no score`);
    return { ...row, score };
  });
}

/** Completions by prompt, in the order of the prompt list. */
function groups<C extends Completion>(
  rows: C[],
  prompts: (id: string) => Prompt,
): { prompt: Prompt; candidates: C[] }[] {
  const byPrompt = new Map<string, C[]>();
  for (const row of rows) byPrompt.set(row.promptId, [...(byPrompt.get(row.promptId) ?? []), row]);
  return [...byPrompt].map(([id, candidates]) => ({ prompt: prompts(id), candidates }));
}

/** The first `limit` of given pairs; 0 = all. */
function reported(pairs: readonly PairRow[], limit: number): Made {
  const used = limit > 0 ? pairs.slice(0, limit) : pairs;
  const difference = used.reduce(
    (sum, { chosen_ids = [], rejected_ids = [] }) => sum + chosen_ids.length - rejected_ids.length,
    0,
  );
  const report = {
    ...summary(
      used.map(({ margin = 0 }) => margin),
      difference,
    ),
    groups: pairs.length,
    dropped: { limit: pairs.length - used.length },
  };
  return { pairs: used, report };
}

function fileRows({ spec }: StageContext): Digest {
  const { preferences } = spec.bootstrap;
  if (!preferences) throw new RatchetError("unreachable_state", "the spec has no file of preferences");
  return preferences.data.rows;
}

function noPairs({ place }: StageContext, report: PairReport): RatchetError {
  const reasons = Object.entries(report.dropped)
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(", ");
  return new RatchetError(
    "no_pairs",
    `${place} has no pair to train on: ${report.groups} groups, dropped: ${reasons || "none"}`,
    { hint: "raise generate.maxTokens or the temperatures, or read the answers with `ratchet samples`" },
  );
}

const done = (digest: Digest, { report }: PairResult): StageDone => ({
  digest,
  values: { pairs: report.pairs, margin: report.margin.mean },
});
