// Prompt module: customers' orders of one split. Online, validation and test prompts are distinct; bootstrap
// prompts may repeat.
import type { ModulePrompt, PromptsModule } from "ratchet-rlhf";
import { Random } from "./random.ts";
import { drawRequestOf, requestText } from "./world.ts";

const prompts: PromptsModule = ({ seed, split, count }) => {
  const random = new Random(`prompts ${split} ${seed}`);
  const seen = new Set<string>();
  const rows: ModulePrompt[] = [];
  while (rows.length < count) {
    const content = requestText(drawRequestOf(split, random));
    if (split !== "bootstrap" && seen.has(content)) continue;
    seen.add(content);
    rows.push({
      id: `${split}-${String(rows.length).padStart(5, "0")}`,
      messages: [{ role: "user", content }],
    });
  }
  return rows;
};

export default prompts;

/** The order in a prompt. */
export function promptText(prompt: ModulePrompt): string {
  const text = prompt.messages?.[0]?.content ?? prompt.prompt;
  if (text === undefined) throw new Error(`prompt ${prompt.id} has no text`);
  return text;
}
