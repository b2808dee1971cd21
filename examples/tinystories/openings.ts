// First sentences of small stories: all 1,700 combinations of the lists below. `node
// dist/examples/tinystories/openings.js`, run from the repository root, writes prompts.jsonl. A test compares
// the committed file with this code.
import { writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const NAMES = [
  ["Tom", "He"],
  ["Ben", "He"],
  ["Tim", "He"],
  ["Max", "He"],
  ["Sam", "He"],
  ["Lily", "She"],
  ["Sara", "She"],
  ["Mia", "She"],
  ["Anna", "She"],
  ["Lucy", "She"],
] as const;
const PLACES = ["park", "beach", "farm", "forest", "garden", "lake", "shop", "zoo"];
const THINGS = ["ball", "kite", "dog", "cat", "doll", "book", "hat", "cake", "boat", "drum"];

export interface Opening {
  id: string;
  prompt: string;
}

export function openings(): Opening[] {
  return NAMES.flatMap(([name, pronoun]) =>
    THINGS.flatMap((thing) => {
      const own = `${name}-${thing}`.toLowerCase();
      return [
        { id: `${own}-had`, prompt: `${name} had a ${thing}.` },
        ...PLACES.flatMap((place) => [
          { id: `${own}-${place}-went`, prompt: `One day, ${name} went to the ${place} with a ${thing}.` },
          {
            id: `${own}-${place}-took`,
            prompt: `${name} had a ${thing}. ${pronoun} took it to the ${place}.`,
          },
        ]),
      ];
    }),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await writeFile(
    "examples/tinystories/prompts.jsonl",
    openings()
      .map((row) => `${JSON.stringify(row)}\n`)
      .join(""),
  );
}
