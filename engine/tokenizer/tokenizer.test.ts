import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import {
  TINY,
  TINY_TOKENIZER,
  TINY_TOKENIZER_CONFIG,
  WORDS,
  writeTinyTokenizer,
} from "../tiny-model.test.support.ts";
import { isCoded } from "../../errors/index.ts";
import { Tokenizer } from "./tokenizer.ts";

let dir = "";
before(async () => {
  dir = await mkdtemp(join(tmpdir(), "ratchet-tokenizer-"));
  await writeTinyTokenizer(dir);
});
after(() => rm(dir, { recursive: true, force: true }));

const words = (ids: number[]): string => ids.map((id) => WORDS[id]).join(" ");
const coded = (code: string, message: RegExp) => (error: Error & { code?: string }) =>
  error.code === code && message.test(error.message);

/** The tiny tokenizer with changed settings. */
async function changed(
  settings: Record<string, unknown>,
  tokenizer: Record<string, unknown> = {},
): Promise<Tokenizer> {
  const folder = await mkdtemp(join(dir, "case-"));
  await writeFile(join(folder, "tokenizer.json"), JSON.stringify({ ...TINY_TOKENIZER, ...tokenizer }));
  await writeFile(
    join(folder, "tokenizer_config.json"),
    JSON.stringify({ ...TINY_TOKENIZER_CONFIG, ...settings }),
  );
  return Tokenizer.load(folder, TINY);
}

it("a prompt begins with exactly one BOS", async () => {
  const tokenizer = await Tokenizer.load(dir, TINY);
  assert.equal(words(tokenizer.encodePrompt({ prompt: "red fish" })), "<bos> red fish");
  assert.equal(words(tokenizer.encodePrompt({ prompt: "<bos> red fish" })), "<bos> red fish");
  assert.equal(
    words((await changed({ add_bos_token: true })).encodePrompt({ prompt: "red fish" })),
    "<bos> red fish",
  );
  assert.equal(
    words(tokenizer.encodePrompt({ messages: [{ role: "user", content: "red fish" }] })),
    "<bos> red fish <sep>",
  );
});

it("a plain answer is the tail after the prompt and ends with one EOS", async () => {
  const tokenizer = await Tokenizer.load(dir, TINY);
  const prompt = { prompt: "red fish" };
  assert.equal(words(tokenizer.encodeAnswer(prompt, " blue sea").ids), "blue sea <eos>");
  assert.equal(words(tokenizer.encodeAnswer(prompt, " blue sea <eos>").ids), "blue sea <eos>");
  assert.equal(
    words(tokenizer.encodeAnswer({ messages: [{ role: "user", content: "red fish" }] }, "blue sea").ids),
    "blue sea <eos>",
  );
});

it("a prompt that ends with an answer is refused", async () => {
  const tokenizer = await Tokenizer.load(dir, TINY);
  const messages = [
    { role: "user", content: "red" },
    { role: "assistant", content: "blue" },
  ];
  const refused = coded("prompt_invalid", /last message is the assistant's/);
  assert.throws(() => tokenizer.encodePrompt({ messages }), refused);
  assert.throws(() => tokenizer.encodeAnswer({ messages }, " sea"), refused);
});

it("a plain sampled answer is closed by the EOS", async () => {
  const tokenizer = await changed({}, {});
  const prompt = { prompt: "red" };
  const { ids } = tokenizer.encodeAnswer(prompt, " blue sea");
  assert.deepEqual(tokenizer.closeAnswer(prompt, { ids, text: " blue sea", finish: "eos" }), ids);
  assert.deepEqual(
    tokenizer.closeAnswer(prompt, { ids: ids.slice(0, 2), text: " blue", finish: "stop" }),
    tokenizer.encodeAnswer(prompt, " blue").ids,
  );
});

it("an answer that merges with the prompt's last token is encoded alone; the prompt's ids stay", async () => {
  const bpe = {
    type: "BPE",
    unk_token: null,
    vocab: { "<pad>": 0, "<bos>": 1, "<eos>": 2, "<sep>": 3, a: 4, b: 5, ab: 6 },
    merges: ["a b"],
    fuse_unk: false,
    byte_fallback: false,
  };
  const tokenizer = await changed({}, { model: bpe, pre_tokenizer: null });
  assert.deepEqual(tokenizer.encodePrompt({ prompt: "ba" }), [1, 5, 4]);
  assert.deepEqual(tokenizer.encodeAnswer({ prompt: "ba" }, "ba"), { ids: [5, 4, 2], merged: true });
});

it("an answer encoded alone does not get the space of a beginning", async () => {
  const vocab = { "<pad>": 0, "<bos>": 1, "<eos>": 2, "<sep>": 3, "▁": 4, a: 5, b: 6, ab: 7, "▁b": 8 };
  const model = {
    type: "BPE",
    unk_token: null,
    vocab,
    merges: ["a b", "▁ b"],
    fuse_unk: false,
    byte_fallback: false,
  };
  const space = { type: "Metaspace", replacement: "▁", prepend_scheme: "first", split: true };
  const tokenizer = await changed({}, { model, pre_tokenizer: space, decoder: space });
  assert.deepEqual(tokenizer.encodePrompt({ prompt: "ba" }), [1, 8, 5]);
  assert.deepEqual(tokenizer.encodeAnswer({ prompt: "ba" }, "ba"), { ids: [6, 5, 2], merged: true });
});

it("if the tokenizer appends the EOS to every text, prompts have none and answers one", async () => {
  const token = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  const special = (id: string, at: number) => ({ id, ids: [at], tokens: [id] });
  const post_processor = {
    ...TINY_TOKENIZER.post_processor,
    single: [token("<bos>"), { Sequence: { id: "A", type_id: 0 } }, token("<eos>")],
    special_tokens: { "<bos>": special("<bos>", 1), "<eos>": special("<eos>", 2) },
  };
  const tokenizer = await changed({}, { post_processor });
  assert.equal(words(tokenizer.encodePrompt({ prompt: "red fish" })), "<bos> red fish");
  assert.equal(words(tokenizer.encodeAnswer({ prompt: "red" }, " fish").ids), "fish <eos>");
  assert.equal(words(tokenizer.encodeText("red fish <eos>")), "<bos> red fish <eos>");
});

it("the assistant's tokens are those inside the template's generation tags", async () => {
  const turn =
    "{% if m['role'] == 'assistant' %}\n  {%- generation %} {{ m['content'] }} {{ eos_token }}" +
    "{%- endgeneration %}\n{% else %} {{ m['content'] }} <sep>{% endif %}";
  const chat_template = `{{ bos_token }}{% for m in messages %}${turn}{% endfor %}`;
  const tokenizer = await changed({ chat_template });
  const talk = ["red fish", "blue", "green", "sea sun"].map((content, i) => ({
    role: i % 2 ? "assistant" : "user",
    content,
  }));
  const { ids, assistant, merged } = tokenizer.encodeAssistant(talk);
  assert.equal(words(ids), "<bos> red fish <sep> blue <eos> green <sep> sea sun <eos>");
  assert.equal(words(ids.filter((_, i) => assistant[i])), "blue <eos> sea sun <eos>");
  assert.equal(merged, false);
  assert.deepEqual(ids, tokenizer.encodeConversation(talk));
  assert.deepEqual(ids, [
    ...tokenizer.encodePrompt({ messages: talk.slice(0, 3) }),
    ...tokenizer.encodeAnswer({ messages: talk.slice(0, 3) }, "sea sun").ids,
  ]);
});

it("decoding drops special tokens and keeps the space between prompt and answer", async () => {
  const tokenizer = await Tokenizer.load(dir, TINY);
  const { ids } = tokenizer.encodeAnswer({ prompt: "red" }, " blue sea");
  assert.equal(tokenizer.decodeAnswer(tokenizer.encodePrompt({ prompt: "red" }), ids), " blue sea");
  const chat = tokenizer.encodePrompt({ messages: [{ role: "user", content: "red" }] });
  assert.equal(tokenizer.decodeAnswer(chat, ids), "blue sea");
  assert.equal(tokenizer.decodeAnswer(chat, [tokenizer.eosId]), "");
});

it("stop ids come from the tokenizer, the model and generation_config.json", async () => {
  await writeFile(join(dir, "generation_config.json"), JSON.stringify({ eos_token_id: [2, 3] }));
  assert.deepEqual((await Tokenizer.load(dir, { ...TINY, eosIds: [9] })).stopIds, new Set([2, 9, 3]));
  await rm(join(dir, "generation_config.json"));
});

it("no value in a tokenizer's files, and no other kind of file, gives an error without a code", async () => {
  const names = ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"];
  const values = ["null", "5", '"a"', "[]", "[null]", "{", "", "\ufeff{}"].map((text) => Buffer.from(text));
  const keys = ["model", "added_tokens", "normalizer", "eos_token", "added_tokens_decoder", "chat_template"];
  for (const key of keys)
    for (const value of ["5", '"a"', "[null]", '{"a":null}', "true"])
      values.push(Buffer.from(`{${JSON.stringify(key)}:${value}}`));
  values.push(Buffer.from([0xff, 0xfe, 0x7b]));
  let refused = 0;
  const load = async (name: string, value?: Buffer): Promise<void> => {
    const folder = await mkdtemp(join(dir, "case-"));
    await writeTinyTokenizer(folder);
    await rm(join(folder, name), { force: true });
    await (value ? writeFile(join(folder, name), value) : mkdir(join(folder, name)));
    await Tokenizer.load(folder, TINY).catch((error: Error & { code?: string }) => {
      const title = `${name} ${value?.toString() ?? "is a folder"}: ${error.stack}`;
      assert.match(String(error.code), /^(tokenizer|checkpoint|chat_template)_/, title);
      refused++;
    });
  };
  for (const name of [...names, "generation_config.json"])
    for (const value of values) await load(name, value);
  for (const name of [...names, "generation_config.json", "chat_template.jinja"]) await load(name);
  await load("chat_template.jinja", Buffer.from([0xff, 0xfe, 0x7b]));
  assert.ok(refused > 50, `${refused} refused`);
});

it("unsupported inputs and templates are refused with a code", async () => {
  await assert.rejects(
    Tokenizer.load(dir, { ...TINY, vocabSize: 11 }),
    coded("tokenizer_mismatch", /"sea" .* has id 11; the model has 11 embeddings/),
  );
  const tokenizer = await Tokenizer.load(dir, TINY);
  assert.throws(
    () => tokenizer.encodePrompt({ prompt: "red zebra" }),
    coded("tokenizer_mismatch", /no token for "zebra"/),
  );
  assert.throws(() => tokenizer.encodePrompt({}), coded("prompt_invalid", /needs `prompt` or `messages`/));
  const plain = await changed({ chat_template: undefined });
  assert.throws(
    () => plain.encodePrompt({ messages: [{ role: "user", content: "red" }] }),
    coded("chat_template_missing", /no chat template/),
  );
  const named = await changed({
    chat_template: [
      { name: "tool_use", template: "red" },
      { name: "rag", template: "sea" },
    ],
  });
  assert.throws(
    () => named.encodePrompt({ messages: [{ role: "user", content: "red" }] }),
    coded("chat_template_missing", /has the chat templates tool_use, rag and none named default/),
  );
  const unmarked = await Tokenizer.load(dir, TINY);
  assert.throws(
    () => unmarked.encodeAssistant([{ role: "user", content: "red" }]),
    coded("chat_template_unsupported", /has no {% generation %}/),
  );
  await assert.rejects(
    changed({ chat_template: "{{ strftime_now('%d') }}" }),
    coded("chat_template_unsupported", /today's date/),
  );
  await assert.rejects(
    changed({ chat_template: "{% if %}" }),
    coded("chat_template_unsupported", /cannot be parsed/),
  );
  const strict = await changed({ chat_template: "{{ raise_exception('users first') }}" });
  assert.throws(
    () => strict.encodePrompt({ messages: [{ role: "user", content: "red" }] }),
    coded("chat_template_unsupported", /users first/),
  );
  const rewriting = await changed({
    chat_template: "{% if messages | length == 1 %}red{% else %}blue{% endif %}",
  });
  assert.throws(
    () => rewriting.encodeAnswer({ messages: [{ role: "user", content: "red" }] }, "blue"),
    coded("chat_template_unsupported", /differently from its prompt alone/),
  );
  await assert.rejects(
    changed({}, { model: { type: "Nonsense" } }),
    coded("tokenizer_invalid", /a model with type Nonsense/),
  );
});

it("a file that is no JSON object, or no file, is refused by its name and not waited for", async () => {
  const names = [
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "generation_config.json",
  ];
  for (const name of names) {
    const folder = await mkdtemp(join(dir, "case-"));
    await writeTinyTokenizer(folder);
    for (const text of ["null", "[]", "3"]) {
      await writeFile(join(folder, name), text);
      const said = new RegExp(`${name} is ${text.replace("[]", "\\[\\]")}, which is not a JSON object`);
      await assert.rejects(Tokenizer.load(folder, TINY), coded("tokenizer_invalid", said));
    }
    await rm(join(folder, name));
    execFileSync("mkfifo", [join(folder, name)]);
    await assert.rejects(Tokenizer.load(folder, TINY), { message: new RegExp(`${name} is not a file`) });
  }
});

it("a member of any type in any place of tokenizer.json is used or refused with a code", async () => {
  const places = placesIn(TINY_TOKENIZER);
  assert.ok(places.length > 50);
  for (const place of places)
    for (const value of [5, "x", null, [], {}, [5], [null], { type: "x" }]) {
      const tokenizer = structuredClone(TINY_TOKENIZER) as Record<string, unknown>;
      const holder = place.slice(0, -1).reduce((all, key) => all[key] as Record<string, unknown>, tokenizer);
      holder[place.at(-1)!] = value;
      const error: unknown = await changed({}, tokenizer).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      assert.ok(
        error === undefined || isCoded(error),
        `${place.join(".")} ${JSON.stringify(value)}: ${error}`,
      );
    }
});

/** The keys that lead to each value. */
function placesIn(value: unknown): string[][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    [key],
    ...placesIn(inner).map((place) => [key, ...place]),
  ]);
}
