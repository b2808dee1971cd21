// label by a language model behind an API. Each answered request is stored at once, in a revision of the
// comparison's label. So after a crash only requests that were in flight are sent, and paid, again.
import { RatchetError } from "../../errors/index.ts";
import { nextOf } from "../../campaign/labeling/both-orders.ts";
import { promptText } from "../../campaign/labeling/prompt-text.ts";
import { NOTE_MAX } from "../../campaign/labeling/types.ts";
import type { ComparisonRow, Given } from "../../campaign/labeling/types.ts";
import { askedOf } from "../../labels/api-labels.ts";
import type { AskedOf } from "../../labels/api-labels.ts";
import type { Withdrawn } from "../../labels/decided.ts";
import { Giver } from "../../labels/give.ts";
import { inPool } from "../../labels/pool.ts";
import { comparisonsOf } from "../../labels/questionnaires.ts";
import type { Questionnaire } from "../../labels/questionnaires.ts";
import { countingRows } from "../../labels/seal-rows.ts";
import type { ApiLabeler, Waiting } from "../../runtimes/api-labeler/index.ts";
import type { StageContext } from "../attempt/context.ts";
import { retryDuringOutage } from "../attempt/retry-during-outage.ts";
import type { StageDone } from "../contract.ts";
import type { LabelInput } from "../label-contract.ts";

type Context = StageContext<LabelInput>;

/** Comparisons without a verdict in a row that fail the campaign: the rest would be paid for nothing. */
const UNCLEAR_MAX = 20;
/** Each request has a time limit, so an attempt that waits for one is not stuck. */
const ALIVE_MS = 10_000;

/** Asks each comparison without a label, unless it has no verdict. */
export async function labelByApi(
  context: Context,
  questionnaire: Questionnaire,
  { name, withdrawn }: { name: string; withdrawn: Withdrawn },
): Promise<StageDone> {
  const { store, apiLabelers } = context.deps;
  const labeler = apiLabelers.get(name);
  if (!labeler) throw missing(name, [...apiLabelers.keys()]);
  const counting = await countingRows(store, questionnaire, withdrawn);
  const labeled = new Set(counting.map(({ comparison }) => comparison));
  const before = new Map(
    (await askedOf(store, questionnaire))
      .filter((one) => one.labeler === labeler.pseudonym)
      .map((one) => [one.comparison, one]),
  );
  const decided = { repairs: context.repairs, withdrawn };
  const giver = new Giver(store, questionnaire, decided, { skipOlder: false });
  await giver.listAll();
  const total = questionnaire.result.count;
  const waiting = waitingOf(context);
  let unclear = 0;
  const alive = setInterval(() => context.onWaiting?.(), ALIVE_MS);
  try {
    await inPool(labeler.concurrency, comparisonsOf(store, questionnaire), async (row) => {
      const asked = before.get(row.comparison);
      // Its answers are known: no verdict, or a label that was withdrawn.
      if (labeled.has(row.comparison) || (asked && "label" in nextOf(asked.api.asked))) return;
      const asking = { context, labeler, giver, row, waiting };
      if (await compare(asking, asked)) {
        labeled.add(row.comparison);
        unclear = 0;
      } else if ((unclear += 1) >= UNCLEAR_MAX) throw tooUnclear(name, row, context.place);
      context.onProgress({ done: labeled.size, total, unit: "labels" });
    });
  } finally {
    clearInterval(alive);
  }
  const { size } = labeled;
  return { digest: questionnaire.digest, values: { labels: size, withoutVerdict: total - size } };
}

interface Asking {
  context: Context;
  labeler: ApiLabeler;
  giver: Giver;
  row: ComparisonRow;
  waiting: Waiting;
}

/** Asks until the label is known. False: there is no verdict. */
async function compare(
  { context, labeler, giver, row, waiting }: Asking,
  before?: AskedOf,
): Promise<boolean> {
  const asked = [...(before?.api.asked ?? [])];
  let note = before?.note;
  let seconds = before?.seconds ?? 0;
  const { comparison, first, second } = row;
  const question = { prompt: promptText(row), first: first.text, second: second.text };
  for (;;) {
    const next = nextOf(asked);
    if ("label" in next) return next.label !== null;
    const { shown, again } = next.ask;
    const startedMs = performance.now();
    const answer = await labeler.ask(question, shown, again ? note : undefined, waiting);
    const ms = performance.now() - startedMs;
    seconds += ms / 1000;
    asked.push(answer.asked);
    note = answer.asked.verdict === undefined ? noteOf(answer.text) : undefined;
    const after = nextOf(asked);
    const given: Given = {
      comparison,
      labeler: labeler.pseudonym,
      choice: "label" in after ? after.label : null,
      note,
      seconds: Number(seconds.toFixed(3)),
      at: new Date().toISOString(),
      api: { ...labeler.record, asked: [...asked] },
    };
    await retryDuringOutage(context, () => giver.give(given));
    context.madeProgress(ms);
  }
}

/** Half of the grace period is for the answers of running requests, which are paid. */
function waitingOf({ signal, deps, heartbeat }: Context): Waiting {
  const cut = new AbortController();
  const later = (): void => void setTimeout(() => cut.abort(signal.reason), (deps.graceMs ?? 0) / 2).unref();
  if (signal.aborted) later();
  else signal.addEventListener("abort", later, { once: true });
  return {
    signal,
    cut: cut.signal,
    onOutage(outage) {
      if (outage) heartbeat.waitsFor = { code: outage.code, message: outage.why };
      else delete heartbeat.waitsFor;
    },
  };
}

/** As UTF-8, so that half a character, which JSON allows, cannot spoil the label. */
const noteOf = (text: string): string => Buffer.from(text.slice(0, NOTE_MAX)).toString();

const missing = (name: string, known: readonly string[]): RatchetError =>
  new RatchetError("labeler_missing", `this worker knows no API labeler ${name}`, {
    hint:
      `its settings name ${known.length === 0 ? "none" : known.join(", ")}: add ${name} to the file of ` +
      "RATCHET_API_LABELERS and restart the worker, or start a worker that has it",
  });

const tooUnclear = (name: string, { comparison }: ComparisonRow, place: string): RatchetError =>
  new RatchetError(
    "labeler_unclear",
    `${name} gave no verdict to ${UNCLEAR_MAX} comparisons in a row, the last is ${comparison} of ${place}`,
    {
      hint:
        "`ratchet labels export --labels` shows its answers as notes; correct its prompt or model in the " +
        "worker's settings, restart the worker, and start the campaign again",
    },
  );
