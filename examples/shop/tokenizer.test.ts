import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { it } from "node:test";
import { Tokenizer } from "@huggingface/tokenizers";
import { Template } from "../../engine/jinja/index.ts";
import { Random } from "./random.ts";
import { SPECIALS, tokenizerFiles } from "./tokenizer.ts";
import { drawRequest, requestText } from "./world.ts";
import { writeAnswer } from "./writers.ts";

/** From dist/examples/shop to the committed files. */
const committed = async (name: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(new URL(`../../../examples/shop/tokenizer/${name}`, import.meta.url), "utf8"));

it("the committed tokenizer is made from the words of world.ts", async () => {
  const { tokenizer, config } = tokenizerFiles();
  assert.deepEqual(await committed("tokenizer.json"), tokenizer);
  assert.deepEqual(await committed("tokenizer_config.json"), config);
});

it("encodes every order and answer word by word and decodes it to the same text", async () => {
  const tokenizer = new Tokenizer(
    await committed("tokenizer.json"),
    await committed("tokenizer_config.json"),
  );
  const random = new Random("round trip");
  for (let i = 0; i < 200; i++) {
    const request = drawRequest(random);
    for (const text of [requestText(request), writeAnswer(request, random.next(), random)]) {
      const { ids } = tokenizer.encode(text, { add_special_tokens: false });
      assert.equal(ids.length, text.split(" ").length);
      assert.ok(ids.every((id: number) => id >= SPECIALS.length));
      assert.equal(tokenizer.decode(ids, { skip_special_tokens: true }), text);
    }
  }
});

it("one user message renders as <bos> order <sep>, and the answer closes with <eos>", async () => {
  const config = await committed("tokenizer_config.json");
  const tokenizer = new Tokenizer(await committed("tokenizer.json"), config);
  const render = (messages: object[]) =>
    tokenizer.encode(
      new Template(String(config["chat_template"])).render({
        messages,
        bos_token: "<bos>",
        eos_token: "<eos>",
      }),
      { add_special_tokens: false },
    );
  const user = { role: "user", content: "please send two pies by friday ." };
  assert.deepEqual(render([user]).tokens, [
    "<bos>",
    ..."please send two pies by friday .".split(" "),
    "<sep>",
  ]);
  const whole = render([user, { role: "assistant", content: "hello !" }]);
  assert.deepEqual(whole.tokens.slice(-4), ["<sep>", "hello", "!", "<eos>"]);
  assert.deepEqual(whole.ids.slice(0, render([user]).ids.length), render([user]).ids);
});
