import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import type { CampaignRecord, CampaignStatus } from "../campaign/types.ts";
import { decideStart } from "./decide-start.ts";
import type { StartRequest } from "./decide-start.ts";

const SPEC = "a".repeat(64);
const HERE = { server: "here", namespace: "default" };
const request = (more: Partial<StartRequest> = {}): StartRequest => ({
  specDigest: SPEC,
  ...HERE,
  takeOver: false,
  resume: false,
  ...more,
});
const record = (status: CampaignStatus, more: Partial<CampaignRecord> = {}): CampaignRecord => ({
  campaignId: "c",
  name: "c",
  specDigest: SPEC,
  specs: [{ specDigest: SPEC }],
  status,
  epoch: 1,
  ...HERE,
  next: { iteration: 1, take: 1 },
  earlier: [],
  baselines: {},
  iterations: [],
  rows: 2,
  ...more,
});
const OTHER_SPEC = request({ specDigest: "b".repeat(64) });
const ALL: CampaignStatus[] = ["created", "running", "paused", "completed", "failed", "cancelled"];

it("creates a campaign of an unknown id", () => {
  assert.deepEqual(decideStart(undefined, false, request()), { action: "create" });
});

it("attaches to a running or paused campaign with the same spec", () => {
  for (const status of ["running", "paused"] as const)
    assert.deepEqual(decideStart(record(status), true, request()), { action: "attach" });
});

it("refuses another spec in every state and with every option", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...ALL),
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      (status, running, takeOver, resume) => {
        assert.deepEqual(decideStart(record(status), running, { ...OTHER_SPEC, takeOver, resume }), {
          action: "refuse",
          code: "campaign_differs",
        });
      },
    ),
  );
});

it("resumes a failed campaign from its ledger, on whichever server it failed", () => {
  for (const server of ["here", "elsewhere"])
    assert.deepEqual(decideStart(record("failed", { server }), false, request()), {
      action: "resume",
      replace: false,
    });
});

it("resumes a campaign that just failed, although its run is still open", () => {
  assert.deepEqual(decideStart(record("failed"), true, request()), { action: "resume", replace: false });
});

it("resumes a campaign that this server owns but no longer knows", () => {
  for (const status of ["created", "running", "paused"] as const)
    assert.deepEqual(decideStart(record(status), false, request()), { action: "resume", replace: false });
});

it("resumes a campaign that was created but never opened", () => {
  const { server: _server, namespace: _namespace, ...never } = record("created", { epoch: 0 });
  assert.deepEqual(decideStart(never, false, request({ server: "elsewhere" })), {
    action: "resume",
    replace: false,
  });
});

it("refuses a campaign that runs on another server or namespace, unless it is taken over", () => {
  for (const owner of [{ server: "elsewhere" }, { namespace: "theirs" }]) {
    assert.deepEqual(decideStart(record("running", owner), false, request()), {
      action: "refuse",
      code: "owned_elsewhere",
    });
    assert.deepEqual(decideStart(record("running", owner), false, request({ takeOver: true })), {
      action: "resume",
      replace: false,
    });
  }
});

it("taking over replaces a run here that lost its lease to the other server", () => {
  assert.deepEqual(
    decideStart(record("running", { server: "elsewhere" }), true, request({ takeOver: true })),
    { action: "resume", replace: true },
  );
});

it("returns the recorded result of a completed campaign, even while its run closes", () => {
  for (const running of [false, true])
    assert.deepEqual(decideStart(record("completed"), running, request()), { action: "completed" });
});

it("resumes a cancelled campaign only with --resume", () => {
  assert.deepEqual(decideStart(record("cancelled"), false, request()), {
    action: "refuse",
    code: "campaign_cancelled",
  });
  assert.deepEqual(decideStart(record("cancelled"), false, request({ resume: true })), { action: "reopen" });
});

it("refuses a campaign that was moved, with every option", () => {
  for (const more of [{}, { takeOver: true }, { resume: true }, { specDigest: "b".repeat(64) }]) {
    assert.deepEqual(decideStart(record("moved"), false, request(more)), {
      action: "refuse",
      code: "campaign_moved",
    });
  }
});

it("taking over replaces the run here; otherwise the run is followed", () => {
  assert.deepEqual(decideStart(record("running"), true, request({ takeOver: true })), {
    action: "resume",
    replace: true,
  });
  assert.deepEqual(decideStart(record("running"), true, request()), { action: "attach" });
});
