import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { TINY, writeTinyModel } from "../../engine/tiny-model.test.support.ts";
import { Tokenizer } from "../../engine/tokenizer/tokenizer.ts";
import { EXPLODING, writeHostileModel } from "./hostile.test.support.ts";
import type { Hostility } from "./hostile.test.support.ts";
import { Encoder } from "./index.ts";
import type { Encoded, EncoderTimes, PromptText } from "./index.ts";

const scratch = await mkdtemp(join(tmpdir(), "ratchet-encoder-test-"));
after(() => rm(scratch, { recursive: true, force: true }));

let models = 0;
async function model(hostility?: Hostility): Promise<string> {
  const dir = join(scratch, String(models++));
  await writeHostileModel(dir, hostility ?? "normalizer");
  if (!hostility) await writeTinyModel(dir);
  return dir;
}

const times: EncoderTimes = { openMs: 60_000, rowMs: 800, allMs: 60_000 };

async function all(dir: string, rows: PromptText[], limits = times): Promise<Encoded<"prompts">[]> {
  const encoder = await Encoder.open(dir, TINY, "the model", limits);
  try {
    const found: Encoded<"prompts">[] = [];
    for await (const outcome of encoder.encode("prompts", {}, rows, (at) => `row ${at}`)) found.push(outcome);
    return found;
  } finally {
    await encoder.close();
  }
}

it("lengths are those of the tokenizer in this process, of more rows than one request holds", async () => {
  const dir = await model();
  const rows = Array.from({ length: 700 }, (_, i): PromptText =>
    i % 2 === 0
      ? { prompt: "red fish ".repeat(1 + (i % 7)).trim() }
      : { messages: [{ role: "user", content: "green bird sea" }] },
  );
  const tokenizer = await Tokenizer.load(dir, TINY);
  assert.deepEqual(
    await all(dir, rows, { openMs: 60_000, rowMs: 30_000, allMs: 60_000 }),
    rows.map((row) => ({
      value: { tokens: tokenizer.encodePrompt(row).length, closing: tokenizer.closingLength(row) },
    })),
  );
});

it("a row that cannot be encoded has its error, and the rows after it are encoded", async () => {
  const found = await all(await model(), [{ prompt: "red" }, { messages: [] }, {}, { prompt: "blue" }]);
  assert.deepEqual(
    found.map((outcome) =>
      "error" in outcome ? (outcome.error as Error & { code?: string }).code : "value",
    ),
    ["value", "value", "prompt_invalid", "value"],
  );
});

describe("encoding ends with an error that names the row", { concurrency: 2 }, () => {
  for (const hostility of ["pre-tokenizer", "normalizer"] as const)
    it(`if a regular expression of the ${hostility} explodes`, async () => {
      const started = Date.now();
      await assert.rejects(all(await model(hostility), [{ prompt: "red" }, { prompt: EXPLODING }]), {
        code: "encode_timeout",
        message: /^row 1: .* gave no answer within 0.8 s and was ended$/,
      });
      assert.ok(Date.now() - started < 30_000);
    });

  for (const hostility of ["template", "template-range"] as const)
    it(`if the ${hostility} never ends: by the limit of its work`, async () => {
      const messages = [{ role: "user", content: "red" }];
      const [outcome] = await all(await model(hostility), [{ messages }], {
        openMs: 60_000,
        rowMs: 30_000,
        allMs: 60_000,
      });
      assert.ok(outcome && "error" in outcome);
      assert.equal((outcome.error as Error & { code?: string }).code, "chat_template_unsupported");
    });
});

it("a tokenizer's file that cannot be used is an error of the opening", async () => {
  const dir = await model();
  for (const text of ["", "[]", '{"model": null}', "{".repeat(100_000), `"${"x".repeat(1 << 20)}"`]) {
    await writeFile(join(dir, "tokenizer.json"), text);
    await assert.rejects(Encoder.open(dir, TINY, "the model"), (error: Error & { code?: string }) => {
      assert.ok(error.code !== undefined, `${text.slice(0, 20)}: ${error.stack}`);
      return true;
    });
  }
});

it("opening has a limit of its own", async () => {
  await assert.rejects(Encoder.open(await model(), TINY, "the model", { openMs: 1, rowMs: 1, allMs: 1 }), {
    code: "encode_timeout",
    message: /^the tokenizer of the model: /,
  });
});

it("all rows together have a limit", async () => {
  const rows = Array.from({ length: 300 }, () => ({ prompt: "red" }));
  await assert.rejects(all(await model(), rows, { openMs: 60_000, rowMs: 30_000, allMs: -1 }), {
    code: "encode_timeout",
    message: /^row 0: the rows before it took more than/,
  });
});
