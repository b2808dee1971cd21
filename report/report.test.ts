import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import type { EvaluateMetrics } from "../campaign/types.ts";
import { formatColumns, wantsColor, width } from "./columns.ts";
import { difference, fixed, interval, rate } from "./digits.ts";
import { formatHistory } from "./history.ts";
import { historyCsv } from "./history-csv.ts";
import { formatSamples, wrap } from "./samples.ts";
import { formatTable, tableJson } from "./table.ts";
import type { CampaignTable } from "./table.ts";

const PLAIN = { color: false };
const metrics = {
  judgedBy: "gold" as const,
  prompts: 300,
  completions: 1200,
  proxy: 0.314159,
  length: 18.25,
  truncated: 0,
  kl: 0.001,
};
const arm = (
  name: string,
  measured: EvaluateMetrics,
  learningRate: number | null,
  pairs: number | null = null,
  steps: number | null = null,
  labels: number | null = null,
) => ({ name, metrics: measured, learningRate, labels, pairs, steps });
const PROMOTED_2 = {
  campaign: {
    campaignId: "shop",
    status: "completed",
    promoted: { iteration: 2, take: 1, policy: "c".repeat(64) },
  },
};
const at = (time: string): string => `2026-01-02T${time}.000Z`;
const worked = (from: string, to: string) => ({
  busyMs: Date.parse(at(to)) - Date.parse(at(from)),
  recomputedMs: 0,
  startedAt: at(from),
  finishedAt: at(to),
});
const api = (price: number) => ({
  labeler: "nightly",
  model: "m",
  host: "h",
  prompt: "p",
  temperature: 0 as const,
  maxTokens: 8,
  comparisons: 1,
  requests: 2,
  price,
});
const TABLE: CampaignTable = {
  arms: [
    arm(
      "sft",
      {
        ...metrics,
        winRate: { value: 0.5, low: 0.48, high: 0.52 },
        gold: 1.512,
        goldParts: { order: 0.7, waste: -0.1 },
      },
      3e-3,
    ),
    arm(
      "offline",
      {
        ...metrics,
        winRate: { value: 0.75, low: 0.73, high: 0.77 },
        gold: 2.16,
        goldParts: { order: 0.8, waste: -0.2 },
        kl: 12.34,
      },
      1e-4,
      240,
      30,
    ),
    arm(
      "iteration-1",
      {
        ...metrics,
        winRate: { value: 0.87, low: 0.85, high: 0.89 },
        lengthControlled: { value: 0.83, low: 0.8, high: 0.86 },
        gold: 2.58,
        goldParts: { order: 0.85, waste: 0 },
        truncated: 0.025,
      },
      1e-4,
      238,
      30,
    ),
  ],
  vs: { offline: { diff: 0.12, low: 0.09, high: 0.15 } },
};

it("the table has every policy, aligned, and the gain of the last iteration", () => {
  assert.equal(
    formatTable(TABLE, PLAIN),
    [
      "Test split, win rate against sft by gold:",
      "policy       win rate [95 %]    length-controlled  gold  proxy  length  cut off     KL    lr",
      "sft          0.50 [0.48, 0.52]  –                  1.51   0.31    18.3      0 %   0.00  3e-3",
      "offline      0.75 [0.73, 0.77]  –                  2.16   0.31    18.3      0 %  12.34  1e-4",
      "iteration-1  0.87 [0.85, 0.89]  0.83 [0.80, 0.86]  2.58   0.31    18.3    2.5 %   0.00  1e-4",
      "",
      "Win rate, paired by prompt:",
      "  iteration-1 − offline: +0.12 [+0.09, +0.15]",
      "",
      "Trained on:",
      "policy       pairs  steps",
      "offline        240     30",
      "iteration-1    238     30",
      "",
      "Gold by part:",
      "policy       order  waste",
      "sft           0.70  -0.10",
      "offline       0.80  -0.20",
      "iteration-1   0.85   0.00",
    ].join("\n"),
  );
});

it("a promoted iteration that is not the last has a line and differences of its own", () => {
  const last = arm(
    "iteration-2",
    { ...metrics, winRate: { value: 0.7, low: 0.68, high: 0.72 } },
    1e-4,
    240,
    30,
  );
  const text = formatTable(
    {
      arms: [...TABLE.arms, last],
      vs: { offline: { diff: -0.05, low: -0.08, high: -0.02 } },
      promoted: { name: "iteration-1", vs: TABLE.vs },
    },
    PLAIN,
  );
  assert.match(text, /^Promoted on the validation split: iteration-1$/m);
  assert.match(text, /^ {2}iteration-2 − offline: -0\.05 .*\n {2}iteration-1 − offline: \+0\.12 /m);
});

it("the table's JSON has exactly the documented keys", () => {
  const json = tableJson(TABLE);
  assert.deepEqual(Object.keys(json), ["rows", "vs"]);
  for (const row of json.rows)
    assert.deepEqual(Object.keys(row), [
      "name",
      "winRate",
      "lengthControlled",
      "judgedBy",
      "gold",
      "proxy",
      "refittedProxy",
      "length",
      "kl",
      "learningRate",
      "labels",
      "pairs",
      "steps",
    ]);
  assert.deepEqual(json.rows[0]?.winRate, { value: 0.5, low: 0.48, high: 0.52 });
  assert.deepEqual(
    json.rows.map(({ lengthControlled }) => lengthControlled),
    [null, null, { value: 0.83, low: 0.8, high: 0.86 }],
  );
  assert.deepEqual(
    json.rows.map(({ judgedBy, pairs, steps }) => [judgedBy, pairs, steps]),
    [
      ["gold", null, null],
      ["gold", 240, 30],
      ["gold", 238, 30],
    ],
  );
  assert.deepEqual(json.vs, { offline: { diff: 0.12, low: 0.09, high: 0.15 } });
});

it("a campaign without true reward and reference answers shows dashes and no parts", () => {
  const text = formatTable({ arms: [arm("iteration-1", metrics, null)], vs: {} }, PLAIN);
  assert.match(text, /iteration-1 +– +– +– +0\.31/);
  assert.doesNotMatch(text, /Gold by part|paired/);
});

it("a baseline's pairs and steps are listed with those of all iterations; differences are marked", () => {
  const [sft, offline, first] = TABLE.arms as [
    (typeof TABLE.arms)[0],
    (typeof TABLE.arms)[0],
    (typeof TABLE.arms)[0],
  ];
  const arms = [
    sft,
    { ...offline, pairs: 480, steps: 60 },
    { ...first, pairs: 240 },
    { ...first, name: "iteration-2", pairs: 232 },
  ];
  assert.match(
    formatTable({ ...TABLE, arms }, PLAIN),
    /^offline +480 +60\niteration-1 +240 +30\niteration-2 +232 +30\niterations 1 to 2 +472 +60$/m,
  );
  assert.ok(formatTable({ ...TABLE, arms }, { color: true }).includes("\u001b[31m480\u001b[39m     60"));
});

it("a table without scores has no proxy", () => {
  const { proxy: _none, ...unscored } = metrics;
  const [titles = "", row = ""] = formatTable(
    { arms: [arm("iteration-1", unscored, null)], vs: {} },
    PLAIN,
  ).split("\n");
  assert.doesNotMatch(titles, /proxy/);
  assert.match(row, /^iteration-1 +– +– +– +18\.3/);
});

it("labels are listed if pairs were made of them", () => {
  const labeled = [arm("all", metrics, 1e-4, 900, 60, 1000), arm("iteration-1", metrics, 1e-4, 450, 30, 480)];
  const text = formatTable({ arms: labeled, vs: { all: { diff: 0, low: 0, high: 0 } } }, PLAIN);
  assert.match(text, /^policy +labels +pairs +steps\nall +1000 +900 +60\niteration-1 +480 +450 +30$/m);
});

it("a win rate by the training reward is marked as not held out in every report", () => {
  const winRate = { value: 0.9, low: 0.8, high: 1 };
  const measured = { ...metrics, winRate, judgedBy: "reward" as const };
  assert.match(
    formatTable(
      { arms: [arm("initial", measured, null), arm("iteration-1", measured, 1e-4)], vs: {} },
      PLAIN,
    ),
    /^Test split, win rate against initial by reward \(not held out\):$/m,
  );
  assert.equal(tableJson({ arms: [arm("initial", measured, null)], vs: {} }).rows[0]?.judgedBy, "reward");
  const places = [
    { place: "it-0001.1", decision: "promoted" as const, promotion: {}, test: measured, work: {} },
  ];
  const history = formatHistory({ campaign: { campaignId: "shop", status: "running" }, places }, PLAIN);
  assert.match(history, /^shop is running; nothing is promoted yet$/m);
  assert.match(history, /^Win rates on the test split by reward \(not held out\):$/m);
  assert.match(history, /^it-0001\.1 +unjudged +0\.90/m);
});

it("tables of usual numbers fit 100 columns, a history 110", () => {
  const winRate = { value: 0.5, low: 0.48, high: 0.52 };
  const wide = {
    ...metrics,
    winRate,
    lengthControlled: winRate,
    gold: -1.51,
    proxy: -9.25,
    length: 118.2,
    truncated: 0.025,
    kl: 12.34,
  };
  const table = formatTable(
    {
      arms: ["sft", "offline-matched", "iteration-12"].map((name) => arm(name, wide, 2e-4, 1440, 180)),
      vs: { "offline-matched": { diff: -0.1, low: -0.12, high: -0.08 } },
    },
    PLAIN,
  );
  const row = {
    decision: "kept" as const,
    promotion: { winRate, evidence: "undecided" as const },
    test: wide,
    work: { train: worked("03:04:05", "05:04:05") },
  };
  const history = formatHistory(
    { ...PROMOTED_2, places: ["it-0012.1", "base-offline-matched.1"].map((place) => ({ ...row, place })) },
    PLAIN,
  );
  const wider = (text: string, columns: number): string[] =>
    text.split("\n").filter((line) => width(line) > columns);
  assert.deepEqual([...wider(table, 100), ...wider(history, 110)], []);
});

it("NO_COLOR turns color off, FORCE_COLOR turns it on, and a pipe has none by default", () => {
  assert.equal(wantsColor({}, true), true);
  assert.equal(wantsColor({}, false), false);
  assert.equal(wantsColor({ NO_COLOR: "1", FORCE_COLOR: "1" }, true), false);
  assert.equal(wantsColor({ NO_COLOR: "" }, true), true);
  assert.equal(wantsColor({ FORCE_COLOR: "1" }, false), true);
  assert.equal(wantsColor({ TERM: "dumb" }, true), false);
});

it("color does not change the alignment", () => {
  // oxlint-disable-next-line no-control-regex -- removing escapes is the purpose
  assert.equal(formatTable(TABLE, { color: true }).replace(/\u001b\[\d+m/g, ""), formatTable(TABLE, PLAIN));
});

it("columns are aligned for any cells", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.stringMatching(/^[a-zé–]{1,12}$/), fc.stringMatching(/^[0-9.]{1,9}$/)), {
        minLength: 1,
      }),
      (rows) => {
        const lines = formatColumns(
          [
            { title: "name", align: "left" },
            { title: "value", align: "right" },
          ],
          rows.map(([a, b]) => [{ text: a }, { text: b }]),
          PLAIN,
        ).split("\n");
        assert.equal(new Set(lines.map(width)).size, 1);
      },
    ),
  );
});

it("numbers have only significant digits", () => {
  assert.equal(fixed(-0.001, 2), "0.00");
  assert.equal(fixed(undefined, 2), "–");
  assert.equal(interval(undefined), "–");
  assert.equal(difference({ diff: -0.001, low: -0.031, high: 0.029 }), "+0.00 [-0.03, +0.03]");
  assert.deepEqual([1e-4, 2.5e-5, 3e-3].map(rate), ["1e-4", "2.5e-5", "3e-3"]);
});

it("samples are side by side within the width of the terminal", () => {
  const text = formatSamples(
    [
      {
        prompt: "please send two pies by friday .",
        before: { text: "you will get two eggs for monday .", finish: "eos", score: -0.9 },
        after: {
          text: "hello ! we will pack two pies for friday . thank you !",
          finish: "length",
          score: 2.5,
        },
      },
    ],
    { before: "sft", after: "iteration-6" },
    { color: false, columns: 60 },
  );
  assert.equal(
    text,
    [
      "please send two pies by friday .",
      "  sft, score -0.90            | iteration-6, score 2.50",
      "  you will get two eggs for   | hello ! we will pack two",
      "  monday .                    | pies for friday . thank you",
      "                              | ! …",
    ].join("\n"),
  );
});

it("wrapping keeps every word, and no line is too long", () => {
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 1, max: 30 }), (text, columns) => {
      const lines = wrap(text, columns);
      assert.ok(lines.every((line) => width(line) <= columns));
      assert.equal(lines.join("").replace(/\s/g, ""), text.replace(/\s/g, ""));
    }),
  );
});

it("history is one table: the promoted row is marked, kept ones say why, time and cost have sums", () => {
  const text = formatHistory(
    {
      ...PROMOTED_2,
      places: [
        { place: "it-0000.1", decision: "promoted", test: metrics, work: {} },
        {
          place: "it-0001.1",
          decision: "kept",
          promotion: { winRate: {}, evidence: "undecided" },
          validation: metrics,
          audit: { rate: { value: 0.7, low: 0.6, high: 0.8 }, decided: 60, undecided: 0 },
          api: [api(0.04), api(0.02)],
          work: {
            generate: worked("03:00:00", "03:01:30"),
            train: { ...worked("03:01:30", "04:00:00"), recomputedMs: 5_000 },
          },
        },
        { place: "it-0002.1", decision: "promoted", work: { train: worked("04:00:00", "04:00:01") } },
        { place: "it-0003.1", decision: "promoted", superseded: true, work: {} },
      ],
    },
    PLAIN,
  );
  assert.equal(
    text,
    [
      "shop is completed; promoted: it-0002.1 ★, policy cccccccccccc",
      "place        decision         proxy  audit    KL     time     work    again  price",
      "it-0000.1    promoted          0.31      –  0.00  0:00:00  0:00:00  0:00:00      –",
      "it-0001.1    kept, undecided   0.31   0.70  0.00  1:00:00  1:00:00  0:00:05   0.06",
      "it-0002.1 ★  promoted             –      –     –  0:00:01  0:00:01  0:00:00      –",
      "it-0003.1    superseded           –      –     –  0:00:00  0:00:00  0:00:00      –",
      "total                                             1:00:01  1:00:01  0:00:05   0.06",
    ].join("\n"),
  );
});

it("history says why a campaign failed", () => {
  const failure = { code: "module_threw", message: "the judge\nthrew" };
  const campaign = { campaignId: "shop", status: "failed", failure };
  const text = formatHistory({ campaign, places: [] }, PLAIN);
  assert.match(text, /^shop is failed; nothing is promoted yet\nmodule_threw: the judge\\u000athrew\n/);
});

it("history as CSV has a line for each place, with the names and figures of the JSON", () => {
  const reason = 'worse: "much", they say';
  const text = historyCsv({
    ...PROMOTED_2,
    places: [
      {
        place: "it-0002.1",
        policy: "c".repeat(64),
        decision: "kept",
        promotion: { winRate: { value: 0.25, low: 0.125, high: 0.5 }, evidence: "worse", reason },
        test: metrics,
        work: { train: worked("03:00:00", "03:00:01") },
      },
    ],
  });
  const [header, line, end] = text.split("\r\n");
  assert.match(
    header!,
    /^campaignId,place,iteration,promoted,decision,superseded,evidence,reason,promotion\.winRate,/,
  );
  assert.ok(
    line!.startsWith('shop,it-0002.1,2,true,kept,false,worse,"worse: ""much"", they say",0.25,0.125,0.5,'),
  );
  assert.match(line!, /,1000,1000,0,,$/);
  assert.equal(end, "");
  const none = historyCsv({ ...PROMOTED_2, places: [] });
  assert.equal(none, `${header}\r\n`, "the header does not depend on the places");
});
