// label and pair on labels: a module that labels, people who label, deadlines, the audit part.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SealRow } from "../../campaign/labeling/types.ts";
import { formatRows } from "../../campaign/recipe/rows.ts";
import type { PairRow } from "../../campaign/recipe/rows.ts";
import type { CompiledSpec, LabelSettings } from "../../campaign/spec/compiled.ts";
import type { AuditResult, LedgerEvent, PairResult } from "../../campaign/types.ts";
import { decidedBy } from "../../labels/decided.ts";
import { giveLabel } from "../../labels/give.ts";
import { comparisonsOf, questionnairesOf } from "../../labels/questionnaires.ts";
import type { Questionnaire } from "../../labels/questionnaires.ts";
import { labelsAt, readLabels } from "../../labels/standing.ts";
import type { Store } from "../../store/types.ts";
import {
  blob,
  committedAnswers,
  completion,
  fakeDeps,
  memoryStore,
  smallSpec,
  stageContext,
} from "../attempt/stage-context.test.support.ts";
import type { Modules } from "../attempt/stage-context.test.support.ts";
import type { StageContext } from "../attempt/context.ts";
import { rowsOnce } from "../artifacts.ts";
import type { PairInput } from "../contract.ts";
import type { AuditInput, LabelInput } from "../label-contract.ts";
import { audit } from "./audit.ts";
import { countLabels, label, sealLabels } from "./label.ts";
import { pair } from "./pair.ts";

const SETTINGS: LabelSettings = {
  comparisons: 6,
  choose: "random",
  audit: 2,
  perComparison: 1,
  minimum: 1,
};
const PROMPTS = ["o1", "o2", "o3", "o4"];
const HOUR_MS = 3_600_000;

/** Four prompts with three answers; the score of answer i is i, and a higher index is a longer answer. */
class Place {
  readonly store: Store;
  readonly spec: CompiledSpec;
  readonly modules: Modules;
  readonly input: { answers: string; scores: string };

  private constructor(store: Store, spec: CompiledSpec, input: Place["input"], modules: Modules) {
    this.store = store;
    this.spec = spec;
    this.input = input;
    this.modules = modules;
  }

  static async open(settings: Partial<LabelSettings> = {}, modules: Modules = {}): Promise<Place> {
    const store = await memoryStore();
    const spec = await smallSpec(store, {
      labels: { ...SETTINGS, ...settings },
      modules: modules.labelers ? { labelers: blob("1") } : {},
    });
    const answers = PROMPTS.flatMap((id) => [0, 1, 2].map((i) => completion(id, i, `${id}${"!".repeat(i)}`)));
    const generated = await committedAnswers(store, answers, spec.prompts.iterations.rows);
    const scores = answers.map(({ promptId, index }) => ({ promptId, index, score: index }));
    const scored = await store.putJson({
      stage: "score",
      completions: generated,
      pieces: [{ index: 0, rows: await store.putBlob(formatRows(scores)), prompts: 4 }],
    });
    return new Place(store, spec, { answers: generated, scores: scored }, modules);
  }

  context(modules = this.modules): StageContext<LabelInput> {
    const deps = fakeDeps({ store: this.store, modules });
    return stageContext<LabelInput>({
      spec: this.spec,
      deps,
      input: { stage: "label", by: "people", ...this.input },
    });
  }

  async questionnaire(): Promise<Questionnaire> {
    await countLabels(this.context());
    const [found] = await questionnairesOf(this.store, "small", new Map());
    assert.ok(found);
    return found;
  }

  /** `prefers`: the index of the better answer is higher. */
  async give(count: number, prefers = true, labeler = "ada"): Promise<void> {
    const questionnaire = await this.questionnaire();
    for await (const { comparison, first, second } of comparisonsOf(this.store, questionnaire)) {
      if (comparison >= count) return;
      const choice = first.index > second.index === prefers ? "first" : "second";
      const at = new Date().toISOString();
      await giveLabel(this.store, questionnaire, { comparison, labeler, choice, at }, decidedBy([]));
    }
  }

  async audit(): Promise<AuditResult["agreement"]> {
    const { digest: seal } = await sealLabels(this.context());
    const input = { stage: "audit", seal, scores: this.input.scores } as const;
    const deps = fakeDeps({ store: this.store });
    const { digest } = await audit(stageContext<AuditInput>({ spec: this.spec, deps, input }));
    return (await this.store.getJson<AuditResult>(digest)).agreement;
  }

  async pairs(): Promise<{ pairs: PairRow[]; result: PairResult }> {
    const { digest: source } = await sealLabels(this.context());
    const deps = fakeDeps({ store: this.store });
    const input = { stage: "pair", from: "labels", source } as const;
    const { digest } = await pair(stageContext<PairInput>({ spec: this.spec, deps, input }));
    const result = await this.store.getJson<PairResult>(digest);
    return { pairs: await rowsOnce<PairRow>(this.store, result.pairs), result };
  }

  async decide(...events: LedgerEvent[]): Promise<void> {
    const ledger = this.store.ledger("small");
    const created: LedgerEvent = { type: "created", specDigest: "spec", name: "small" };
    await ledger.append({ id: "created", epoch: 0, event: created, by: "test" });
    for (const event of events)
      await ledger.append({ id: JSON.stringify(event), epoch: 0, event, by: "test" });
  }

  /** As if the questionnaire had been opened earlier. */
  async openedBefore(ms: number): Promise<void> {
    const past = new Date(Date.now() - ms).toISOString();
    const commit = this.store.commitManifest.bind(this.store);
    Object.assign(this.store, {
      commitManifest: (key: string, manifest: { facts: object }, names?: string[]) =>
        commit(key, { ...manifest, facts: { ...manifest.facts, openedAt: past } } as never, names),
    });
    await this.questionnaire();
    Object.assign(this.store, { commitManifest: commit });
  }
}

const longer = ({ first, second }: { first: { text: string }; second: { text: string } }): number =>
  first.text.length === second.text.length ? 0.5 : first.text.length > second.text.length ? 1 : 0;

describe("a module that labels", () => {
  it("gives each label once, and the pairs leave the audit part out", async () => {
    let asked = 0;
    const counting = (row: never): number => ((asked += 1), longer(row));
    const place = await Place.open({ perComparison: 2 }, { labelers: counting });
    await label(place.context());
    assert.equal(asked, 12);
    await label(place.context({}));
    const questionnaire = await place.questionnaire();
    assert.equal((await labelsAt(place.store, questionnaire)).length, 12);
    const labelers = new Set<string>();
    for await (const one of readLabels(
      place.store,
      questionnaire,
      await labelsAt(place.store, questionnaire),
    ))
      labelers.add(one.label.labeler);
    assert.deepEqual([...labelers].sort(), ["module-0", "module-1"]);

    const { pairs, result } = await place.pairs();
    assert.equal(pairs.length, 4);
    for (const { chosen, rejected } of pairs) assert.ok(chosen.length > rejected.length);
    const agreed = { rate: { value: 1, low: 1, high: 1 }, decided: 4, undecided: 0 };
    assert.deepEqual(await place.audit(), agreed);
    assert.equal(result.report.labels, 8);
  });

  it("may answer labels with a strength and a note, and say that neither answer is good", async () => {
    const answer = (row: { seed: string; first: { text: string }; second: { text: string } }) =>
      row.first.text.startsWith("o1")
        ? { choice: "both_bad", note: "neither" }
        : { choice: longer(row) > 0.5 ? "first" : "second", strength: 2 };
    const place = await Place.open({ audit: 0 }, { labelers: answer as never });
    await label(place.context());
    const { digest } = await sealLabels(place.context());
    const { labels } = await place.store.getJson<{ labels: string }>(digest);
    const rows = await rowsOnce<SealRow>(place.store, labels);
    const strengths = rows.map(({ choice, strength }) => [choice === "both_bad", strength]);
    assert.ok(strengths.some(([bad]) => bad) && strengths.some(([bad]) => !bad));
    for (const [bad, strength] of strengths) assert.equal(strength, bad ? undefined : 2);
    const questionnaire = await place.questionnaire();
    const notes = new Set<string | undefined>();
    for await (const one of readLabels(
      place.store,
      questionnaire,
      await labelsAt(place.store, questionnaire),
    ))
      notes.add(one.label.note);
    assert.deepEqual(notes, new Set([undefined, "neither"]));
    for (const { chosen, rejected } of (await place.pairs()).pairs)
      assert.ok(chosen.length > rejected.length);
  });

  it("stops in the middle of its answers without a lost or doubled label", async () => {
    const place = await Place.open({}, { labelers: longer as never });
    const dying: Modules = {
      labelers: (() => {
        throw new Error("the module died");
      }) as never,
    };
    await place.give(3);
    await assert.rejects(label(place.context(dying)), /died/);
    await label(place.context());
    const rows = await labelsAt(place.store, await place.questionnaire());
    assert.equal(rows.length, 6);
    assert.equal(new Set(rows.map(({ comparison }) => comparison)).size, 6);
  });
});

describe("people who label", () => {
  it("close the questionnaire with the last label, without a deadline", async () => {
    const place = await Place.open();
    assert.deepEqual(await countLabels(place.context()), { labels: 0, slots: 6, state: "open" });
    await place.give(5);
    assert.deepEqual(await countLabels(place.context()), { labels: 5, slots: 6, state: "open" });
    await place.give(6);
    assert.equal((await countLabels(place.context())).state, "closed");
  });

  it("the deadline counts from the stored opening time; too few labels are short", async () => {
    const place = await Place.open({ deadlineMs: HOUR_MS, minimum: 2, audit: 0 });
    const { leftMs = 0, state } = await countLabels(place.context());
    assert.ok(state === "open" && leftMs > HOUR_MS / 2 && leftMs <= HOUR_MS);
    const late = await Place.open({ deadlineMs: HOUR_MS, minimum: 2, audit: 0 });
    await late.openedBefore(2 * HOUR_MS);
    await late.give(1);
    assert.deepEqual(await countLabels(late.context()), {
      labels: 1,
      slots: 6,
      state: "short",
      missing: { trained: 1, minimum: 2, extendedMs: 0 },
    });
    await late.give(2);
    assert.equal((await countLabels(late.context())).state, "closed");
  });

  it("the operator extends the deadline or accepts what there is, for one place", async () => {
    const place = await Place.open({ deadlineMs: HOUR_MS, minimum: 3, audit: 0 });
    await place.openedBefore(2 * HOUR_MS);
    const resumed = (labels: object): LedgerEvent =>
      ({ type: "resumed", by: "ada", why: "", labels }) as LedgerEvent;
    await place.decide(
      resumed({ place: "it-0009.1", accept: true }),
      resumed({ place: "it-0001.1", extendMs: HOUR_MS / 2 }),
    );
    const still = await countLabels(place.context());
    assert.deepEqual([still.state, still.missing?.extendedMs], ["short", HOUR_MS / 2]);
    await place.decide(resumed({ place: "it-0001.1", extendMs: HOUR_MS }));
    const { state, leftMs = 0 } = await countLabels(place.context());
    assert.ok(state === "open" && leftMs > 0 && leftMs <= HOUR_MS / 2);
    await place.decide(resumed({ place: "it-0001.1", accept: true }));
    assert.equal((await countLabels(place.context())).state, "closed");
  });

  it("who disagree with the scores show in the audit, and train on what they chose", async () => {
    const place = await Place.open();
    await place.give(6, false);
    const { pairs } = await place.pairs();
    for (const { chosen, rejected } of pairs) assert.ok(chosen.length < rejected.length);
    assert.equal((await place.audit()).rate?.value, 0);
  });

  it("the same labels at other times give the same pairs, the digest included", async () => {
    const digests: string[] = [];
    for (const labeler of ["ada", "ben"]) {
      const place = await Place.open();
      await place.give(6, true, labeler);
      const { digest: source } = await sealLabels(place.context());
      const deps = fakeDeps({ store: place.store });
      const input = { stage: "pair", from: "labels", source } as const;
      digests.push((await pair(stageContext<PairInput>({ spec: place.spec, deps, input }))).digest);
    }
    assert.equal(digests[0], digests[1]);
  });

  it("label one questionnaire while a run takes the campaign over; both runs make one seal", async () => {
    const place = await Place.open();
    const [one, other] = await Promise.all([countLabels(place.context()), countLabels(place.context())]);
    assert.deepEqual(one, other);
    const all = await questionnairesOf(place.store, "small", new Map());
    assert.equal(all.length, 1);
    await place.give(3, true, "ada");
    await place.decide({ type: "opened", server: "another", namespace: "n", runId: "r2" });
    await place.give(6, true, "ben");
    const seals = await Promise.all([sealLabels(place.context()), sealLabels(place.context())]);
    assert.equal(seals[0].digest, seals[1].digest);
    const { labels } = await place.store.getJson<{ labels: string }>(seals[0].digest);
    const comparisons = (await rowsOnce<SealRow>(place.store, labels)).map(({ comparison }) => comparison);
    assert.deepEqual(comparisons, [0, 1, 2, 3, 4, 5], "each once");
  });

  it("answers that were cut off are not asked about if no pair may hold them", async () => {
    const place = await Place.open();
    const { spec, store } = place;
    const rows = PROMPTS.flatMap((id) => [
      completion(id, 0, "whole"),
      completion(id, 1, "also whole"),
      completion(id, 2, "cut", { finish: "length" }),
    ]);
    const answers = await committedAnswers(store, rows, spec.prompts.iterations.rows);
    spec.pair.dropTruncated = true;
    Object.assign(place.input, { answers });
    const { result } = await place.questionnaire();
    assert.equal(result.count, 4, "one comparison a prompt");
    assert.deepEqual(result.asked, { comparisons: 6, audit: 2 });
    const sealed = await sealLabels(place.context());
    assert.deepEqual(
      await rowsOnce<SealRow>(store, (await store.getJson<{ labels: string }>(sealed.digest)).labels),
      [],
    );
  });
});
