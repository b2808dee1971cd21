import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { canonicalDigest, openStore, sha256 } from "../../store/index.ts";
import { exactBytes, parseExact } from "../../store/exact-json.ts";
import { ledgerKey } from "../../store/layout.ts";
import type { Store } from "../../store/types.ts";
import { recordCampaign } from "../../test/support/recorded-campaign.ts";
import { verifyCampaign } from "../maintenance/verify.ts";
import { checkpointText, parseCheckpoint, treeRoot } from "./checkpoint.ts";
import { makeKey, openNote, signNote } from "./note.ts";
import { openHead, signHead } from "./sign.ts";

const CAMPAIGN = "night";
const ADA = makeKey("ada");

describe("a signed head", () => {
  let store: Store;
  let note: string;
  let last: number;
  beforeEach(async () => {
    store = await openStore("memory:");
    await recordCampaign(store, CAMPAIGN);
    const signed = await signHead(store, CAMPAIGN, ADA.secret);
    ({ note, row: last } = signed);
  });

  const key = (n: number): string => ledgerKey(CAMPAIGN, n);
  const row = async (n: number): Promise<Uint8Array> => (await store.backend.get(key(n)))!;
  /** Rewrites a row, with its seal and those of all rows after it, and with the chain of digests. */
  async function forge(from: number, change: (event: Record<string, unknown>) => void): Promise<void> {
    let previous = from === 0 ? null : sha256(await row(from - 1));
    for (let n = from; n <= last; n += 1) {
      const { seal: _seal, ...stored } = parseExact(await row(n));
      if (n === from) change(stored["event"] as Record<string, unknown>);
      const next = { ...stored, previous };
      const bytes = exactBytes({ ...next, seal: canonicalDigest(next) });
      await store.backend.put(key(n), bytes);
      previous = sha256(bytes);
    }
  }
  async function found(): Promise<{ finding?: object | undefined; messages: string[] }> {
    const signed = { note, key: ADA.public };
    const { anchor, problems } = await verifyCampaign(store, CAMPAIGN, { campaignOnly: true, signed });
    const ours = problems.filter(({ code }) => code === "head_missing");
    return { finding: anchor?.finding, messages: ours.map(({ message }) => message) };
  }

  it("finds nothing in the ledger that was signed, and in the one that it grew to", async () => {
    assert.deepEqual(await found(), { finding: undefined, messages: [] });
    const event = { type: "erased", prompt: "0".repeat(64), blobs: [], by: "ada", why: "asked" };
    await store.ledger(CAMPAIGN).append({ id: "later", epoch: 1, event, by: "ada" });
    assert.deepEqual(await found(), { finding: undefined, messages: [] });
    const { anchor } = await verifyCampaign(store, CAMPAIGN, { signed: { note, key: ADA.public } });
    assert.deepEqual([anchor?.row, anchor?.by], [last, "ada"]);
  });

  it("edited: names the row", async () => {
    const text = new TextDecoder().decode(await row(2)).replace('"by":"test"', '"by":"tess"');
    await store.backend.put(key(2), new TextEncoder().encode(text));
    assert.deepEqual(await found(), {
      finding: { name: "edited", row: 2 },
      messages: ["row 2 of the ledger of night was edited: it is not what its seal says"],
    });
  });

  it("removed: names the row, also if the later ones moved up", async () => {
    await store.backend.delete(key(2));
    const gone = { finding: { name: "removed", row: 2 } };
    assert.deepEqual(await found(), { ...gone, messages: ["row 2 of the ledger of night was removed"] });
    await store.backend.put(key(2), await row(3));
    await store.backend.put(key(3), await row(4));
    await store.backend.delete(key(4));
    assert.deepEqual(await found(), {
      ...gone,
      messages: ["row 2 of the ledger of night was removed: row 3 is at its place"],
    });
  });

  it("reordered: names both rows", async () => {
    const [second, third] = [await row(2), await row(3)];
    await store.backend.put(key(2), third);
    await store.backend.put(key(3), second);
    assert.deepEqual(await found(), {
      finding: { name: "reordered", row: 2 },
      messages: ["row 2 of the ledger of night was moved: it is at the place of row 3"],
    });
  });

  it("forged: names the row, though all seals and digests were computed again", async () => {
    await forge(1, (event) => (event["server"] = "elsewhere"));
    assert.deepEqual((await verifyCampaign(store, CAMPAIGN)).problems, [], "nothing else finds it");
    assert.deepEqual(await found(), {
      finding: { name: "forged", row: 1 },
      messages: [
        "row 1 of the ledger of night was forged: its seal is good, but it is not the row that was signed",
      ],
    });
  });

  it("cut: names the rows", async () => {
    await store.backend.delete(key(last));
    assert.deepEqual((await verifyCampaign(store, CAMPAIGN)).problems, [], "nothing else finds it");
    const message = `row ${last} was cut off at the end of the ledger of night`;
    assert.deepEqual(await found(), { finding: { name: "cut", row: last }, messages: [message] });
    await store.backend.delete(key(last - 1));
    assert.deepEqual((await found()).messages, [
      `rows ${last - 1} to ${last} were cut off at the end of the ledger of night`,
    ]);
  });

  it("is refused if another key signed it, if it was changed, or if it is of another campaign", async () => {
    const open =
      (text: string, publicKey = ADA.public) =>
      () =>
        openHead(text, publicKey, CAMPAIGN);
    open(note)();
    assert.throws(open(note, makeKey("ben").public), {
      code: "head_invalid",
      message: /not signed by ben\+/,
    });
    const other = makeKey("ada");
    assert.throws(open(note, other.public), { code: "head_invalid", message: /not signed by ada\+/ });
    const claimed = signNote(openNote(note, ADA.public).text, other.secret);
    assert.throws(open(claimed), { code: "head_invalid" });
    assert.throws(open(note.replace("time 2", "time 3")), { code: "head_invalid", message: /was changed/ });
    assert.throws(() => openHead(note, ADA.public, "day"), {
      code: "head_invalid",
      message: /is of the campaign night, not of day/,
    });
    for (const text of ["", "hello\n", note.slice(0, note.indexOf("—")), `${note}\u0000`])
      assert.throws(open(text), { code: "head_invalid" }, JSON.stringify(text));
  });

  it("keeps its meaning in a copy of the store, and after another signature was added", async () => {
    const copy = await openStore("memory:");
    for (let n = 0; n <= last; n += 1) await copy.backend.put(key(n), await row(n));
    const ben = makeKey("ben");
    const witnessed = note + signNote(openNote(note, ADA.public).text, ben.secret).split("\n\n")[1]!;
    for (const publicKey of [ADA.public, ben.public]) {
      const { checkpoint } = openHead(witnessed, publicKey, CAMPAIGN);
      assert.equal(checkpoint.size, last + 1);
    }
    const { anchor } = await verifyCampaign(copy, CAMPAIGN, { signed: { note: witnessed, key: ADA.public } });
    assert.equal(anchor?.finding, undefined);
  });

  it("is not made of a ledger that is broken", async () => {
    await store.backend.delete(key(1));
    await assert.rejects(signHead(store, CAMPAIGN, ADA.secret), { code: "ledger_broken" });
  });
});

it("the root of a tree is that of RFC 6962", () => {
  const hash = (...parts: (string | Uint8Array)[]): Buffer =>
    parts.reduce((sum, part) => sum.update(part), createHash("sha256")).digest();
  const leaf = (text: string): Buffer => hash("\u0000", text);
  const node = (a: Buffer, b: Buffer): Buffer => hash("\u0001", a, b);
  const leaves = ["a", "b", "c", "d", "e"].map((text) => Buffer.from(text));
  const [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map(leaf) as [Buffer, Buffer, Buffer, Buffer, Buffer];
  assert.deepEqual(treeRoot(leaves.slice(0, 1)), a);
  assert.deepEqual(treeRoot(leaves.slice(0, 3)), node(node(a, b), c));
  assert.deepEqual(treeRoot(leaves), node(node(node(a, b), node(c, d)), e));
});

it("opens what Go's package note signed", () => {
  // The example of golang.org/x/mod/sumdb/note.
  const text =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
  const signature =
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
  const note = `${text}\n— PeterNeumann ${signature}\n`;
  const key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
  assert.deepEqual(openNote(note, key), { text, by: "PeterNeumann" });
});

it("a text that was not written by checkpointText is no checkpoint", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      assert.throws(() => parseCheckpoint(text), { code: "head_invalid" });
    }),
  );
  const prints = ["00000000"];
  const root = "r";
  const good = { campaignId: "a", first: "0".repeat(16), size: 1, root, head: "h", at: "t", prints };
  assert.deepEqual(parseCheckpoint(checkpointText(good)), good);
  assert.throws(() => parseCheckpoint(checkpointText({ ...good, size: 2 })), { code: "head_invalid" });
});

it("a key that cannot be read is never repeated in the error", () => {
  const secret = ADA.secret.replace("+ada+", "+eve+");
  assert.throws(
    () => signNote("x\n", secret),
    (error: Error & { hint: string }) => {
      assert.ok(!`${error.message}${error.hint}`.includes(secret.slice(-20)));
      return (error as { code?: string }).code === "usage_invalid";
    },
  );
  for (const text of ["", "ada", ADA.secret, `${ADA.public}x`])
    assert.throws(() => openNote("x\n\n", text), { code: "usage_invalid" });
});
