// Writes words.ts: the words that π_0 uses at least three times in two stories per opening. Any other word
// counts as invented by training. Run from the repository root: RATCHET_TINYSTORIES_MODEL=… node
// dist/examples/tinystories/make-words.js
import { writeFile } from "node:fs/promises";
import { deriveSeed } from "../../campaign/recipe/seeds.ts";
import { createOnnxRuntime } from "../../runtimes/onnx/index.ts";
import type { Completion } from "../../runtimes/types.ts";
import { openings } from "./openings.ts";

const dir = process.env["RATCHET_TINYSTORIES_MODEL"] ?? "../shared/models/baby-llama-105";
const runtime = createOnnxRuntime({ threads: 2, children: 1 });
const context = { signal: new AbortController().signal, onProgress: () => {} };
const prompts = openings();
const counts = new Map<string, number>();

for (let from = 0; from < prompts.length; from += 32) {
  const requests = prompts
    .slice(from, from + 32)
    .flatMap((prompt) =>
      [0, 1].map((index) => ({ prompt, index, temperature: 1, seed: deriveSeed("words", prompt.id, index) })),
    );
  const settings = { maxTokens: 160, topK: 0, topP: 1, minP: 0, stop: [] };
  for (const answer of await runtime.generator.generate(
    { digest: "tinystories", dir },
    requests,
    settings,
    context,
  ))
    count(answer);
}
await runtime.close();

function count({ text, finish }: Completion): void {
  const words = (text.toLowerCase().match(/[a-z']+/g) ?? []).slice(0, finish === "length" ? -1 : undefined);
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
}

const words = [...counts]
  .filter(([, times]) => times >= 3)
  .map(([word]) => word)
  .sort();
const lines = words.join(" ").match(/.{1,110}(?: |$)/g) ?? [];
const source = `// Words that count as real words in this example; written by make-words.ts.
export const WORDS: ReadonlySet<string> = new Set(
  \`
${lines.map((line) => line.trim()).join("\n")}
\`
    .trim()
    .split(/\\s+/),
);
`;
await writeFile("examples/tinystories/words.ts", source);
console.log(`${words.length} words, of ${counts.size} that occur`);
