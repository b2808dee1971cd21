import assert from "node:assert/strict";
import { it } from "node:test";
import type { ScheduleView } from "../client/schedules/schedules.ts";
import { formatSchedule, formatSchedules, repeatedIds } from "./schedule-text.ts";

const at = new Date("2026-12-01T00:00:00Z");
const view: ScheduleView = {
  schedule: "nightly",
  storeName: "dir:/store",
  specDigest: "a".repeat(64),
  name: "shop",
  id: "nightly-{{date}}",
  cron: ["0 1 * * *"],
  timeZone: "Europe/Berlin",
  jitterMs: 600_000,
  overlap: "skip",
  catchUpMs: 3_600_000,
  pauseOnFailure: true,
  paused: true,
  note: "paused by ada: \u001b[31mred\nnext       never",
  next: [at],
  nextIds: ["nightly-2026-12-01"],
  createdAt: at,
  fired: 2,
  skipped: 1,
  missed: 0,
  firings: [
    {
      at,
      startedAt: at,
      campaignId: "nightly-2026-12-01",
      workflowId: "w",
      status: "failed",
      failure: { code: "no_pairs", message: "no pair\nto train on" },
    },
    { at, startedAt: at, campaignId: "nightly-2026-11-30", workflowId: "v" },
  ],
};

it("shows a schedule, with everybody's text in its own line", () => {
  assert.equal(
    formatSchedule(view, { color: false }),
    [
      "nightly is paused (paused by ada: \\u001b[31mred\\u000anext       never)",
      "times      cron 0 1 * * * in Europe/Berlin, late by up to 10 min",
      "campaigns  nightly-{{date}}: shop (spec aaaaaaaaaaaa) in dir:/store",
      "policies   overlap skip, catch-up 1 h 00 min, a failed campaign pauses it",
      "counts     2 started, 1 skipped, 0 missed",
      "next       2026-12-01 00:00:00 UTC nightly-2026-12-01",
      "",
      "time, UTC            campaign            firing",
      "2026-12-01 00:00:00  nightly-2026-12-01  failed: no_pairs: no pair\\u000ato train on",
      "2026-12-01 00:00:00  nightly-2026-11-30  no longer known",
    ].join("\n"),
  );
});

it("lists schedules with their next time", () => {
  const idle = { ...view, schedule: "idle", cron: undefined, everyMs: 21_600_000, paused: false, next: [] };
  assert.deepEqual(formatSchedules([view, idle], { color: false }).split("\n"), [
    "schedule  times             zone           state   next, UTC            campaigns",
    "nightly   cron 0 1 * * *    Europe/Berlin  paused  2026-12-01 00:00:00  nightly-{{date}}",
    "idle      every 6 h 00 min  Europe/Berlin  active  –                    nightly-{{date}}",
  ]);
});

it("names ids that two of the next firings would make", () => {
  assert.deepEqual(repeatedIds({ nextIds: ["a", "b", "b", "c", "b"] }), ["b"]);
});
