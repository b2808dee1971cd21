import assert from "node:assert/strict";
import { it } from "node:test";
import { openStore } from "../../store/index.ts";
import type { Store } from "../../store/types.ts";
import { lines } from "../../test/support/recorded-campaign.ts";
import { erasePrompt } from "../maintenance/erase.ts";
import { pruneStore } from "../maintenance/prune.ts";
import { dropSpec, dropSpecs, keepSpec, scheduledSpecs } from "./scheduled-specs.ts";

const NOW = { dryRun: false, graceMs: 0 };
const erasure = { by: "ada", why: "asked to", requestId: "r", dryRun: false };

async function uploaded(): Promise<{ store: Store; prompts: string; spec: string }> {
  const store = await openStore("memory:");
  const prompts = await store.putBlob(lines([{ id: "p1", prompt: "one?" }]));
  const spec = await store.putJson({
    schema: "ratchet.spec/1",
    prompts: { iterations: { rows: prompts, count: 1 } },
  });
  return { store, prompts, spec };
}

/** Blobs whose time is now are not younger than a grace of nothing. */
const later = (): Promise<void> => new Promise((done) => setTimeout(done, 5));

it("prune keeps the spec of a schedule that has not fired, and what it names", async () => {
  const { store, prompts, spec } = await uploaded();
  await keepSpec(store, { schedule: "nightly", spec });
  await later();
  assert.equal((await pruneStore(store, NOW)).blobs.count, 0);
  assert.deepEqual([await store.hasBlob(prompts), await store.hasBlob(spec)], [true, true]);

  await dropSpecs(store, "nightly");
  assert.equal((await pruneStore(store, NOW)).blobs.count, 2);
  assert.deepEqual([await store.hasBlob(prompts), await store.hasBlob(spec)], [false, false]);
});

it("erase refuses a prompt that a schedule would write again", async () => {
  const { store, prompts, spec } = await uploaded();
  await keepSpec(store, { schedule: "nightly", spec });
  await assert.rejects(erasePrompt(store, "p1", erasure), (error: Error & { code: string }) => {
    assert.match(error.message, /^the schedule nightly .* has the prompt/);
    return error.code === "campaign_open";
  });
  assert.equal(await store.hasBlob(prompts), true);
});

it("each schedule keeps its own specs", async () => {
  const { store, spec } = await uploaded();
  const other = await store.putJson({ schema: "ratchet.spec/1", seed: 2 });
  for (const digest of [spec, other, other]) await keepSpec(store, { schedule: "a", spec: digest });
  await keepSpec(store, { schedule: "ab", spec });
  await dropSpec(store, { schedule: "a", spec: other });
  await dropSpecs(store, "ab");
  const kept: unknown[] = [];
  for await (const one of scheduledSpecs(store)) kept.push(one);
  assert.deepEqual(kept, [{ schedule: "a", spec }]);
});
