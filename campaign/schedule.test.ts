import assert from "node:assert/strict";
import { it } from "node:test";
import { isTimeZone, scheduledId, templateProblem } from "./schedule.ts";

it("writes date and time of the scheduled moment in the schedule's time zone", () => {
  const at = new Date("2026-11-30T23:30:05Z");
  assert.equal(scheduledId("nightly-{{date}}", at, "UTC"), "nightly-2026-11-30");
  assert.equal(scheduledId("nightly-{{date}}", at, "Europe/Berlin"), "nightly-2026-12-01");
  assert.equal(scheduledId("n-{{ date }}-{{time}}", at, "Asia/Kolkata"), "n-2026-12-01-050005");
  assert.equal(scheduledId("n-{{time}}", new Date("2026-12-01T00:00:00Z"), "UTC"), "n-000000");
});

it("gives both hours of a night that has one twice the same time", () => {
  const first = new Date("2026-10-25T00:30:00Z");
  const second = new Date("2026-10-25T01:30:00Z");
  const ids = [first, second].map((at) => scheduledId("n-{{date}}-{{time}}", at, "Europe/Berlin"));
  assert.deepEqual(ids, ["n-2026-10-25-023000", "n-2026-10-25-023000"]);
});

it("says what is wrong with a template", () => {
  const message = (template: string): string | undefined => templateProblem(template)?.message;
  assert.equal(message("nightly-{{date}}"), undefined);
  assert.equal(message("{{date}}.{{time}}"), undefined);
  assert.equal(message("nightly"), '"nightly" is the same id at each firing');
  assert.equal(message("nightly-{{day}}"), "{{day}} stands for nothing");
  assert.equal(message("{{constructor}}-x"), "{{constructor}} stands for nothing");
  assert.equal(message("Nightly {{date}}"), '"Nightly {{date}}" makes no campaign id');
  assert.equal(message(`${"n".repeat(60)}-{{date}}`)?.endsWith("makes no campaign id"), true);
});

it("knows the time zones of the database, and no others", () => {
  assert.deepEqual(["UTC", "Europe/Berlin", "Mars/Olympus", ""].map(isTimeZone), [true, true, false, false]);
});
