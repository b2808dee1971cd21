// A policy must not be measured on prompts that it was trained on. Counts the prompts that two sets share, by
// digest of their content. Refuses prompts shared between the online, validation and test splits, and between
// these and the bootstrap's data.
import { RatchetError } from "../errors/index.ts";
import { contentDigest } from "../campaign/recipe/rows.ts";
import type { PromptContent } from "../campaign/recipe/rows.ts";
import { overlap } from "../campaign/recipe/splits.ts";

type SetName = "iterations" | "validation" | "test" | "preferences" | "bootstrap" | "sft";

/** These may share prompts, because all are bootstrap data. */
const MAY_SHARE = new Set<SetName>(["preferences", "bootstrap", "sft"]);

/** Counts by `first/second`, for the sets that exist. Throws RatchetError `prompt_overlap`. */
export function countOverlaps(sets: Partial<Record<SetName, PromptContent[]>>): Record<string, number> {
  const named = (Object.entries(sets) as [SetName, PromptContent[] | undefined][]).flatMap(
    ([name, prompts]) => (prompts ? [digested(name, prompts)] : []),
  );
  const counts: Record<string, number> = {};
  named.forEach((first, i) => {
    for (const second of named.slice(i + 1)) {
      const { count, example } = overlap(first.rows, second.digests, ({ digest }) => digest);
      counts[`${first.name}/${second.name}`] = count;
      if (example && !(MAY_SHARE.has(first.name) && MAY_SHARE.has(second.name)))
        throw shared(first.name, second.name, count, example.prompt);
    }
  });
  return counts;
}

function digested(name: SetName, prompts: PromptContent[]) {
  const rows = prompts.map((prompt) => ({ prompt, digest: contentDigest(prompt) }));
  return { name, rows, digests: new Set(rows.map(({ digest }) => digest)) };
}

function shared(first: SetName, second: SetName, count: number, example: PromptContent): RatchetError {
  const text = typeof example === "string" ? example : (example.at(-1)?.content ?? "");
  const shown = text.length > 80 ? `${text.slice(0, 77)}...` : text;
  return new RatchetError(
    "prompt_overlap",
    `${count} prompts of ${first} are also in ${second}, for example ${JSON.stringify(shown)}`,
    {
      hint:
        "remove them from one of the two: " +
        "a policy must not be measured on prompts that it was trained on",
    },
  );
}
