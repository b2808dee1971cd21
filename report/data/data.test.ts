import assert from "node:assert/strict";
import { it } from "node:test";
import { reportRecord } from "../../test/support/report-record.ts";
import type { ReportRecord } from "../record.ts";
import { reportData } from "./index.ts";
import type { Figure, LineChart, ReportData, Section, Table } from "./types.ts";

const sectionOf = (data: ReportData, id: string): Section | undefined =>
  data.sections.find((section) => section.id === id);
const figureOf = (data: ReportData, id: string): Figure =>
  data.sections.flatMap(({ figures }) => figures).find((figure) => figure.id === id)!;
const lines = (figure: Figure): LineChart => figure.chart as LineChart;
const tableOf = (section: Section | undefined, caption: RegExp): Table =>
  section!.tables.find((table) => caption.test(table.caption))!;
const cellsOf = ({ rows }: Table): string[][] => rows.map(({ cells }) => cells);

it("draws each win rate with its interval, and each baseline as a level", () => {
  const chart = lines(figureOf(reportData(reportRecord()), "win-rate"));
  assert.deepEqual(
    chart.series.map(({ name, parts }) => [name, parts[0]?.length]),
    [
      ["as the answers are", 6],
      ["at equal length", 6],
    ],
  );
  assert.deepEqual(chart.series[0]?.parts[0]?.[3], { x: 3, y: 0.8, low: 0.78, high: 0.8200000000000001 });
  assert.deepEqual(
    chart.levels.map(({ name }) => name),
    ["as good as π₀", "offline, at equal length"],
  );
});

it("marks the promoted policy alone", () => {
  const { rows } = tableOf(sectionOf(reportData(reportRecord()), "results"), /^All policies/);
  assert.deepEqual(
    rows.filter(({ marked }) => marked).map(({ cells }) => cells.slice(0, 2)),
    [["iteration 3", "0.80 [0.78, 0.82]"]],
  );
});

it("says from which iteration on the proxy rose while the truth fell", () => {
  const { text, figures } = sectionOf(reportData(reportRecord()), "proxy")!;
  assert.match(
    text[1]!,
    /highest in iteration 3, 2\.70, and is 2\.00 in iteration 5, while the proxy rose from 1\.00/,
  );
  const curve = lines(figures.find(({ id }) => id === "truth-by-kl")!);
  assert.deepEqual(
    curve.series[0]?.parts[0]?.map(({ x, label }) => [x, label]),
    [0, 4, 8, 12, 16, 20].map((kl, iteration) => [kl, String(iteration)]),
  );
  assert.deepEqual(
    curve.series[1]?.parts[0]?.map(({ x }) => x),
    [6],
  );
});

it("joins the curves of the iterations by steps, with a gap between them", () => {
  const [series] = lines(figureOf(reportData(reportRecord()), "curve-loss")).series;
  assert.deepEqual(
    series?.parts.map((part) => [part[0]?.x, part.at(-1)?.x]),
    [
      [1, 30],
      [31, 60],
      [61, 90],
      [91, 120],
      [121, 150],
    ],
  );
});

it("names who decided what and why", () => {
  const table = tableOf(sectionOf(reportData(reportRecord()), "decisions"), /ledger/);
  const rows = cellsOf(table).map(([, , , ...rest]) => rest);
  assert.deepEqual(rows[0], ["created with spec 737065630000", "ada@lab", "–"]);
  assert.deepEqual(rows[2], ["paused", "ada@lab", "the machine is needed"]);
  assert.deepEqual(rows[4], ["it-0001.1 finished, promoted", "the campaign", "–"]);
});

it("sums time by stage and tells the waste and the faults", () => {
  const section = sectionOf(reportData(reportRecord()), "work");
  const rows = cellsOf(tableOf(section, /^Work by stage/));
  assert.deepEqual(rows, [
    ["generate", "9 min", "53 %", "96", "0", "0 s", "1"],
    ["score", "2 min", "12 %", "96", "0", "0 s", "1"],
    ["train", "6 min", "35 %", "170", "4", "12 s", "3"],
    ["all", "17 min", "", "", "", "12 s", ""],
  ]);
  assert.deepEqual(cellsOf(tableOf(section, /^Faults/)), [
    ["it-0002.1 train", "3 attempts, resumed from step 10, 4 steps computed again"],
  ]);
  assert.deepEqual(figureOf(reportData(reportRecord()), "time-by-stage").chart, {
    kind: "bars",
    title: "minutes",
    parts: ["committed at the first try", "computed again"],
    bars: [
      { name: "generate", values: [9, 0] },
      { name: "score", values: [2, 0] },
      { name: "train", values: [5.8, 0.2] },
    ],
  });
});

it("leaves out what the campaign does not have", () => {
  const record = reportRecord();
  const bare = (metrics: ReportRecord["comparison"]["arms"][number]["metrics"]) => ({
    prompts: metrics.prompts,
    completions: metrics.completions,
    proxy: metrics.proxy!,
    length: metrics.length,
    truncated: metrics.truncated,
    kl: metrics.kl,
  });
  const data = reportData({
    ...record,
    labels: [],
    withdrawals: [],
    samples: undefined,
    comparison: {
      arms: record.comparison.arms.map(({ audit: _audit, metrics, ...arm }) => ({
        ...arm,
        metrics: bare(metrics),
      })),
      vs: {},
    },
  });
  assert.deepEqual(
    data.sections.map(({ id }) => id),
    ["results", "length", "training", "decisions", "work", "record"],
  );
  assert.deepEqual(sectionOf(data, "results")?.figures, []);
});

it("says that a campaign is unfinished, and draws what there is", () => {
  const record = reportRecord();
  const begun: ReportRecord = {
    ...record,
    campaign: { ...record.campaign, status: "failed", failure: { code: "module_threw", message: "no" } },
    places: record.places.slice(0, 2),
    comparison: { arms: [], vs: {} },
    samples: undefined,
    curves: [],
    labels: [],
  };
  assert.equal(
    reportData(begun).unfinished,
    "This campaign has not completed: it is failed, and 1 of 5 iterations have finished. " +
      "It failed with module_threw: no",
  );
  assert.equal(reportData(record).unfinished, undefined);
  const nothing = reportData({ ...begun, places: [] });
  assert.match(nothing.unfinished!, /nothing of it has finished/);
  assert.deepEqual(
    nothing.sections.map(({ id }) => id),
    ["decisions", "record"],
  );
});
