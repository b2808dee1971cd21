// Things that are no objects in the places of objects of a directory: each verb names them. None ends in a
// stack, waits for a FIFO, or takes a campaign for shorter than it is.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { copyCampaign } from "../../client/maintenance/copy.ts";
import { erasePrompt } from "../../client/maintenance/erase.ts";
import { pruneStore } from "../../client/maintenance/prune.ts";
import { repairCampaign } from "../../client/maintenance/repair.ts";
import { verifyCampaign } from "../../client/maintenance/verify.ts";
import { exportCheckpoint, exportPairs } from "../../client/record/export.ts";
import { readHistory } from "../../client/record/history.ts";
import { readSamples } from "../../client/record/samples.ts";
import { readStatus } from "../../client/follow/status.ts";
import { memoryBackend } from "../../store/backends/memory.ts";
import { RatchetError } from "../../errors/index.ts";
import { blobKey, ledgerKey } from "../../store/layout.ts";
import { openStore, storeOn } from "../../store/index.ts";
import type { Store } from "../../store/types.ts";
import type { Gateway } from "../../temporal/gateway.ts";
import { recordWhole } from "../support/whole-campaign.ts";

const ID = "whole";
/** Verbs that are tried on each thing in the place of each object, beside verify. */
const VERBS_EACH = Number(process.env["RATCHET_TEST_VERBS"] ?? 2);
const WHO = { by: "ada", why: "asked to", requestId: "r", dryRun: true };
const GATEWAY = { pollers: async () => [] } as unknown as Gateway;

const scratch = await mkdtemp(join(tmpdir(), "ratchet-no-file-"));
after(() => rm(scratch, { recursive: true, force: true }));

/** Puts something in the place of a file. */
const THINGS: Record<string, (path: string) => Promise<unknown>> = {
  "an empty folder": (path) => mkdir(path),
  "a folder with a file": async (path) => {
    await mkdir(path);
    await writeFile(join(path, "x"), "x");
  },
  "a FIFO": async (path) => execFileSync("mkfifo", [path]),
  "a loop of links": (path) => symlink(path, path),
  "a link to a folder": (path) => symlink(scratch, path),
  "a link that leads nowhere": (path) => symlink(join(scratch, "nowhere"), path),
  "the bytes null": (path) => writeFile(path, "null\n"),
  "no bytes": (path) => writeFile(path, ""),
  "bytes that are no UTF-8": (path) => writeFile(path, Buffer.from([0xff, 0xfe, 0x0a])),
};

const VERBS: Record<string, (store: Store) => Promise<unknown>> = {
  repair: (store) => repairCampaign(store, GATEWAY, ID, WHO),
  prune: (store) => pruneStore(store, { dryRun: false, graceMs: 3_600_000 }),
  copy: async (store) => copyCampaign(store, await storeOn(memoryBackend()), ID, WHO),
  erase: (store) => erasePrompt(store, "p1", WHO),
  history: (store) => readHistory(store, ID),
  "samples of generate": (store) => readSamples(store, { campaignId: ID, stage: "generate" }, { limit: 1 }),
  "samples of pair": (store) => readSamples(store, { campaignId: ID, stage: "pair" }, { limit: 1 }),
  export: (store) => exportCheckpoint(store, { campaignId: ID }, "latest", join(scratch, "out")),
  "export --pairs": (store) => exportPairs(store, { campaignId: ID }, join(scratch, "pairs")),
  status: (store) => readStatus(store, undefined, ID),
};

/** All verbs take turns: each meets each thing, and in time each kind of object. */
let turn = 0;
const nextVerbs = (): string[] =>
  Array.from({ length: VERBS_EACH }, () => Object.keys(VERBS)[(turn += 1) % Object.keys(VERBS).length] ?? "");

/** Errors with a code are named. */
async function named(what: string, work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "";
  } catch (error) {
    assert.ok(error instanceof RatchetError, `${what}: ${(error as Error).stack}`);
    return `${error.code}: ${error.message}`;
  }
}

/** Objects of one kind are read in the same way: blobs, and manifests by their folder. */
const kindOf = (key: string): string =>
  key.startsWith("campaigns/") ? key.replace(/\/[^/]*$/, "") : (key.split("/")[0] ?? "");

async function clear(): Promise<void> {
  for (const name of ["out", "pairs"]) await rm(join(scratch, name), { recursive: true, force: true });
}

describe("something that is no object, in the place of one", { timeout: 120_000 }, () => {
  const sound = join(scratch, "sound");
  let objects: string[];
  before(async () => {
    const store = await openStore(`dir:${sound}`);
    await recordWhole(store, ID);
    await erasePrompt(store, "p2", { ...WHO, dryRun: false });
    objects = [];
    for (const [verb, run] of Object.entries(VERBS)) assert.equal(await named(verb, run(store)), "", verb);
    await clear();
    const ofKind = new Map<string, string>();
    for await (const key of store.backend.list("")) ofKind.set(kindOf(key), key);
    ofKind.delete("ratchet.json");
    const { digests } = await store.ledger(ID).readSealed();
    const { specDigest } = (await readStatus(store, undefined, ID)) as { specDigest: string };
    objects = [...ofKind.values(), ledgerKey(ID, 0), ledgerKey(ID, digests.length - 2), blobKey(specDigest)];
  });

  for (const [thing, put] of Object.entries(THINGS))
    it(`${thing} is named by each verb that meets it, and by verify in any case`, async () => {
      const folder = join(scratch, "copy");
      await rm(folder, { recursive: true, force: true });
      await cp(sound, folder, { recursive: true });
      for (const key of objects) {
        const path = join(folder, ...key.split("/"));
        const whole = await readFile(path);
        await rm(path);
        await put(path);
        const store = await openStore(`dir:${folder}`, { create: false });
        const { problems } = await verifyCampaign(store, ID);
        assert.ok(
          problems.some(({ what, message }) => `${what} ${message}`.includes(key.split("/").at(-1) ?? key)) ||
            problems.some(({ code }) => code === "ledger_broken"),
          `${key}: verify says ${JSON.stringify(problems)}`,
        );
        for (const verb of nextVerbs()) await named(`${verb} at ${key}`, VERBS[verb]!(store));
        await clear();
        await rm(path, { recursive: true, force: true });
        await writeFile(path, whole);
      }
    });
});
