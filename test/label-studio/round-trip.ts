// Questions and labels through the real Label Studio and back: questions out, annotations of three people in,
// and labels of ours through its export. Ends with 1 if anything is lost or changed.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Given } from "../../campaign/labeling/types.ts";
import { RatchetClient } from "../../client/ratchet-client.ts";
import { questionnairesOf } from "../../labels/questionnaires.ts";
import { labelsAt, newest, readLabels } from "../../labels/standing.ts";
import { memoryBackend } from "../../store/backends/memory.ts";
import { storeOn } from "../../store/index.ts";
import { recordQuestionnaire } from "../support/questionnaire.ts";
import { recordCampaign } from "../support/recorded-campaign.ts";
import { LabelStudio } from "./server.ts";
import type { Annotation, Annotator } from "./server.ts";

const ID = "done";
const DOCS = join(import.meta.dirname, "../../../docs/labels.md");
/** Of the first answers: nothing may be lost or become markup on the way. */
const TEXTS = [
  '<b onclick="x()">&amp;</b>',
  "line\r\nline\ttab",
  "\u202eright to left \u{1F600}",
  "$answer2 {{x}}",
  "",
];

type Said = Pick<Given, "choice" | "strength" | "note" | "seconds">;

const part = (type: string, from: string, to: string, value: object): object => ({
  type,
  from_name: from,
  to_name: to,
  value,
});

/** As Label Studio's page sends it. */
function annotationOf({ choice, strength, note, seconds }: Said): Annotation {
  const result = [
    choice === "first" || choice === "second"
      ? part("pairwise", "choice", "answer1,answer2", { selected: choice === "first" ? "left" : "right" })
      : part("choices", "neither", "prompt", { choices: [choice] }),
    ...(strength === undefined ? [] : [part("rating", "strength", "prompt", { rating: strength })]),
    ...(note === undefined ? [] : [part("textarea", "note", "prompt", { text: [note] })]),
  ];
  return { result, ...(seconds === undefined ? {} : { lead_time: seconds }) };
}

/** A store with a questionnaire of 8 comparisons, and what its labels say. */
class Side {
  readonly client: RatchetClient;
  private readonly dir: string;

  private constructor(client: RatchetClient, dir: string) {
    this.client = client;
    this.dir = dir;
  }

  static async open(dir: string): Promise<Side> {
    const store = await storeOn(memoryBackend());
    await recordCampaign(store, ID);
    await recordQuestionnaire(store, ID, { perComparison: 3, texts: TEXTS });
    return new Side(new RatchetClient(store), dir);
  }

  async exported(what: "questions" | "labels"): Promise<string> {
    const path = join(await mkdtemp(join(this.dir, "out-")), "tasks.json");
    await this.client.exportLabels(ID, path, { format: "label-studio", what });
    return readFile(path, "utf8");
  }

  async imported(text: string): Promise<object> {
    const path = join(await mkdtemp(join(this.dir, "in-")), "export.json");
    await writeFile(path, text);
    const { labels, outcomes } = await this.client.importLabels(ID, {
      file: "export.json",
      path,
      format: "label-studio",
    });
    return { labels, ...outcomes };
  }

  /** By labeler and comparison. */
  async labels(): Promise<Record<string, Said>> {
    const { store } = this.client;
    const [asked] = await questionnairesOf(store, ID, new Map());
    const found: Record<string, Said> = {};
    for await (const { label } of readLabels(store, asked!, newest(await labelsAt(store, asked!)))) {
      const { comparison, labeler, choice, strength, note, seconds } = label;
      found[`${labeler} ${comparison}`] = { choice, strength, note, seconds };
    }
    return found;
  }
}

const ANN: Record<number, Said> = {
  0: { choice: "first", strength: 3, note: 'say "why"\nin lines', seconds: 4.25 },
  1: { choice: "second", strength: 1, note: undefined, seconds: 2 },
  2: { choice: "tie", strength: undefined, note: undefined, seconds: 1.5 },
  3: { choice: "both_bad", strength: undefined, note: "\u{1F600} both", seconds: 9 },
  4: { choice: "first", strength: undefined, note: undefined, seconds: 1 },
};
const BEN: Record<number, Said> = {
  0: { choice: "second", strength: undefined, note: undefined, seconds: 3 },
  4: { choice: "second", strength: 2, note: undefined, seconds: 3 },
};

async function annotateAll(
  by: Annotator,
  tasks: Map<number, number>,
  said: Record<number, Said>,
): Promise<void> {
  for (const [comparison, one] of Object.entries(said))
    await by.annotate(tasks.get(Number(comparison))!, annotationOf(one));
}

async function people(studio: LabelStudio, interfaceXml: string, dir: string): Promise<Side> {
  const side = await Side.open(dir);
  const { owner } = studio;
  const [ann, ben, cyd] = [
    await studio.join("ann@example.org"),
    await studio.join("ben@example.org"),
    await studio.join("cyd@example.org"),
  ];
  const questions = await side.exported("questions");
  const project = await owner.project("questions", interfaceXml, questions);
  const data = JSON.parse(await owner.exported(project)) as { data: object }[];
  assert.deepEqual(
    data.map((task) => task.data),
    (JSON.parse(questions) as { data: object }[]).map((task) => task.data),
  );
  console.log(`${data.length} questions: the same texts in Label Studio`);

  const tasks = await owner.tasks(project);
  await annotateAll(ann, tasks, ANN);
  await annotateAll(ben, tasks, BEN);
  await cyd.annotate(tasks.get(5)!, { result: [], was_cancelled: true });
  const first = await side.imported(await owner.exported(project));
  assert.deepEqual(first, { labels: 7, open: 7 });
  const [annId, benId] = [await ann.number(), await ben.number()];
  const expected = (id: number, said: Record<number, Said>): Record<string, Said> =>
    Object.fromEntries(Object.entries(said).map(([comparison, one]) => [`ls-${id} ${comparison}`, one]));
  assert.deepEqual(await side.labels(), { ...expected(annId, ANN), ...expected(benId, BEN) });
  console.log("7 labels of two people, one question skipped by a third: all as annotated");

  const again = await cyd.annotate(tasks.get(6)!, annotationOf({ choice: "first" }));
  await cyd.call("PATCH", `/api/annotations/${again}/`, annotationOf({ choice: "second", strength: 2 }));
  assert.deepEqual(await side.imported(await owner.exported(project)), { labels: 8, open: 1, same: 7 });
  assert.equal((await side.labels())[`ls-${await cyd.number()} 6`]?.choice, "second");
  assert.deepEqual(await side.imported(await owner.exported(project)), { labels: 8, same: 8 });
  console.log("a changed annotation counts as changed, and importing the export again changes nothing");
  return side;
}

async function labelsOfOurs(
  studio: LabelStudio,
  interfaceXml: string,
  from: Side,
  dir: string,
): Promise<void> {
  const project = await studio.owner.project("labels", interfaceXml, await from.exported("labels"));
  const other = await Side.open(dir);
  assert.deepEqual(await other.imported(await studio.owner.exported(project)), { labels: 8, open: 8 });
  assert.deepEqual(await other.labels(), await from.labels());
  console.log(
    "8 labels of ours through Label Studio: the same labelers, choices, strengths, notes and seconds",
  );
}

const [command = ""] = process.argv.slice(2);
const dir = await mkdtemp(join(tmpdir(), "ratchet-label-studio-"));
const studio = await LabelStudio.start(command, join(dir, "studio"));
try {
  const docs = await readFile(DOCS, "utf8");
  const interfaceXml =
    /^ {4}<View>$[^]*?^ {4}<\/View>$/m.exec(docs)?.[0] ?? assert.fail("no interface in the docs");
  const side = await people(studio, interfaceXml, dir);
  await labelsOfOurs(studio, interfaceXml, side, dir);
} finally {
  await studio.close();
  await rm(dir, { recursive: true, force: true });
}
