import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import type { CampaignRecord, CampaignStatus } from "../../campaign/types.ts";
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
  status,
  epoch: 1,
  ...HERE,
  next: { iteration: 1, take: 1 },
  baselines: {},
  iterations: [],
  rows: 2,
  ...more,
});
const OTHER_SPEC = request({ specDigest: "b".repeat(64) });
const ALL: CampaignStatus[] = ["created", "running", "paused", "completed", "failed", "cancelled"];

it("an unknown id is created", () => {
  assert.deepEqual(decideStart(undefined, false, request()), { action: "create" });
});

it("a running or paused campaign with the same spec is attached to", () => {
  for (const status of ["running", "paused"] as const)
    assert.deepEqual(decideStart(record(status), true, request()), { action: "attach" });
});

it("another spec is refused, whatever the campaign's state and whatever else is asked", () => {
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

it("a failed campaign resumes from its ledger, wherever it failed", () => {
  for (const server of ["here", "elsewhere"])
    assert.deepEqual(decideStart(record("failed", { server }), false, request()), {
      action: "resume",
      replace: false,
    });
});

it("a campaign that failed a moment ago is resumed, not attached to while its run closes", () => {
  assert.deepEqual(decideStart(record("failed"), true, request()), { action: "resume", replace: false });
});

it("a campaign that this server owns but does not know any more resumes from its ledger", () => {
  for (const status of ["created", "running", "paused"] as const)
    assert.deepEqual(decideStart(record(status), false, request()), { action: "resume", replace: false });
});

it("a campaign whose first row was written but which never opened is nobody's", () => {
  const { server: _server, namespace: _namespace, ...never } = record("created", { epoch: 0 });
  assert.deepEqual(decideStart(never, false, request({ server: "elsewhere" })), {
    action: "resume",
    replace: false,
  });
});

it("a campaign that runs on another server or namespace is refused unless it is taken over", () => {
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

it("taking over replaces a run here that had lost its lease to the other server", () => {
  assert.deepEqual(
    decideStart(record("running", { server: "elsewhere" }), true, request({ takeOver: true })),
    { action: "resume", replace: true },
  );
});

it("a completed campaign returns its recorded result, even while its run closes", () => {
  for (const running of [false, true])
    assert.deepEqual(decideStart(record("completed"), running, request()), { action: "completed" });
});

it("a cancelled campaign goes on only when asked to", () => {
  assert.deepEqual(decideStart(record("cancelled"), false, request()), {
    action: "refuse",
    code: "campaign_cancelled",
  });
  assert.deepEqual(decideStart(record("cancelled"), false, request({ resume: true })), { action: "reopen" });
});

it("a campaign that was moved goes on elsewhere only, whatever is asked", () => {
  for (const more of [{}, { takeOver: true }, { resume: true }, { specDigest: "b".repeat(64) }]) {
    assert.deepEqual(decideStart(record("moved"), false, request(more)), {
      action: "refuse",
      code: "campaign_moved",
    });
  }
});

it("a run here is ended where its campaign is taken over by name, and followed otherwise", () => {
  assert.deepEqual(decideStart(record("running"), true, request({ takeOver: true })), {
    action: "resume",
    replace: true,
  });
  assert.deepEqual(decideStart(record("running"), true, request()), { action: "attach" });
});
