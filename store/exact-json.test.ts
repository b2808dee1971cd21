// Changes every bit of every object that the store seals: no changed object is read. The objects hold
// numbers, because two texts of one double are the same value.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { memoryBackend } from "./backends/memory.ts";
import { readErasure, recordErasure } from "./erased.ts";
import { exactBytes, parseExact } from "./exact-json.ts";
import { storeOn } from "./index.ts";
import { erasedKey, FORMAT_KEY, ledgerKey } from "./layout.ts";
import type { Backend } from "./types.ts";

const KEY = "campaigns/c/results/it-0001.1/train/a.json";
const CHECKPOINT = "campaigns/c/work/it-0001.1/train/step-00000010.json";
/** 17 digits, of which the last can change without another value; an exponent; letters beyond ASCII. */
const NUMBERS = {
  loss: 0.30000000000000004,
  rate: 1.2345678901234566e-7,
  large: 9007199254740991,
  word: "größer 😀",
};

/** Flips each bit of the object in turn; `read` must refuse each. */
async function everyBitIsGuarded(
  backend: Backend,
  key: string,
  read: () => Promise<unknown>,
): Promise<number> {
  const sound = (await backend.get(key)) as Uint8Array;
  let flips = 0;
  for (let at = 0; at < sound.length; at += 1)
    for (let bit = 0; bit < 8; bit += 1) {
      const damaged = Uint8Array.from(sound);
      damaged[at] = (damaged[at] as number) ^ (1 << bit);
      await backend.put(key, damaged);
      await assert.rejects(
        read(),
        { kind: "artifact" },
        `bit ${bit} of byte ${at} of ${key}: ${JSON.stringify(new TextDecoder().decode(damaged))}`,
      );
      flips += 1;
    }
  await backend.put(key, sound);
  await read();
  return flips;
}

describe("sealed objects", () => {
  it("are refused if any bit of them changed: manifests, ledger rows, erasures, ratchet.json", async () => {
    const backend = memoryBackend();
    const store = await storeOn(backend);
    for (const key of [KEY, CHECKPOINT]) {
      await store.commitManifest(key, {
        schema: "test/1",
        result: { stage: "train", ...NUMBERS },
        facts: { ...NUMBERS, seconds: 12.000000000000002 },
      });
      assert.ok((await everyBitIsGuarded(backend, key, () => store.readManifest(key))) > 2_000);
    }

    await store.ledger("c").append({ id: "a", epoch: 1, event: NUMBERS, by: "test" });
    await everyBitIsGuarded(backend, ledgerKey("c", 0), () => store.ledger("c").read());

    const digest = "ab".repeat(32);
    await recordErasure(backend, {
      schema: "ratchet.erased/1",
      digest,
      at: "2026-01-01T00:00:00.000Z",
      by: "ada",
      why: "größer",
    });
    await everyBitIsGuarded(backend, erasedKey(digest), () => readErasure(backend, digest));

    // Another digit is another format, which is refused as newer, not as damaged.
    await everyBitIsGuarded(backend, FORMAT_KEY, () => storeOn(backend));
  });

  it("are refused when the same value is written as another text", () => {
    const text = JSON.stringify({ loss: 0.30000000000000004, rows: [1] });
    for (const other of [
      `${text} \n`,
      ` ${text}\n`,
      text,
      text.replace("04", "05"),
      text.replace("[1]", "[1.0]"),
      text.replace("[1]", "[1e0]"),
      `${text.slice(0, -1)},"rows":[1]}\n`,
    ])
      assert.throws(() => parseExact(new TextEncoder().encode(other)), SyntaxError, other);
    for (const other of ["null\n", "[]\n", "1\n", '"a"\n'])
      assert.throws(() => parseExact(new TextEncoder().encode(other)), SyntaxError, other);
    assert.deepEqual(parseExact(exactBytes(JSON.parse(text) as object)), JSON.parse(text));
  });
});
