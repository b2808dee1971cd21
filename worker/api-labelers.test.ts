import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, it } from "node:test";
import { readApiLabelers } from "./api-labelers.ts";

const KEY = "sk-live-0123456789";
const folder = await mkdtemp(join(tmpdir(), "ratchet-api-labelers-"));
after(() => rm(folder, { recursive: true, force: true }));
await writeFile(join(folder, "prompt.md"), "{prompt}\n{first}\n{second}\n[[A]], [[B]] or [[C]]?");
await writeFile(join(folder, "short.md"), "{prompt} {first}");

const ENTRY = "{url: 'https://api.example.org/v1/', model: m-1, key: 'env:JUDGE_KEY', prompt: prompt.md}";

async function read(text: string, env: NodeJS.ProcessEnv = { JUDGE_KEY: KEY }) {
  const file = join(folder, "labelers.yaml");
  await writeFile(file, text);
  return readApiLabelers(file, env);
}

it("reads a file of API labelers; without one there are none", async () => {
  assert.equal(readApiLabelers(undefined, {}).size, 0);
  const labelers = await read(`nightly: ${ENTRY}\n`);
  const nightly = labelers.get("nightly") ?? assert.fail("no entry");
  assert.deepEqual(
    [nightly.record.model, nightly.record.host, nightly.concurrency],
    ["m-1", "api.example.org", 4],
  );
  const local = await read(
    "local: {url: 'http://127.0.0.1:8000/v1', model: m, prompt: prompt.md, price: {input: 1, output: 2}}",
  );
  assert.deepEqual([...local.keys()], ["local"]);
});

it("refuses what cannot be used, by its entry, and never shows a key", async () => {
  const cases: [text: string, fault: RegExp, env?: NodeJS.ProcessEnv][] = [
    [`a: {url: 'https://x/v1', model: m, key: ${KEY}, prompt: prompt.md}`, /a\.key must be: env:NAME/],
    [`a: {url: 'https://x:${KEY}@y/v1', model: m, prompt: prompt.md}`, /a\.url must be/],
    ["a: {url: 'ftp://x/v1', model: m, prompt: prompt.md}", /a\.url must be: an http or https address/],
    [`nightly: ${ENTRY}`, /nightly\.key names JUDGE_KEY, which the worker's environment lacks/, {}],
    [`nightly: ${ENTRY}`, /JUDGE_KEY, which has a space, a line break/, { JUDGE_KEY: `${KEY}\n` }],
    ["a: {url: 'https://x/v1', model: m, prompt: short.md}", /a\.prompt, .*short\.md, lacks \{second\}/],
    ["a: {url: 'https://x/v1', model: m, prompt: none.md}", /a\.prompt cannot be read: ENOENT/],
    ["a: {url: 'https://x/v1', model: m, prompt: prompt.md, temperature: 1}", /a must be: .*"temperature"/],
    ["A B: {url: 'https://x/v1', model: m, prompt: prompt.md}", /A B must be/],
    [`a: [\n ${KEY}`, /it is no YAML/],
    ["", /the file must be/],
  ];
  for (const [text, fault, env] of cases)
    await assert.rejects(read(text, env), (error: Error & { code: string; hint?: string }) => {
      assert.equal(error.code, "labelers_invalid");
      assert.match(error.message, fault);
      assert.ok(!`${error.message}${error.hint}`.includes(KEY), error.message);
      return true;
    });
  assert.throws(() => readApiLabelers(join(folder, "absent.yaml"), {}), {
    code: "labelers_invalid",
    message: /ENOENT/,
  });
});
