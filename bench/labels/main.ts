// `npm run label-load`: the page and the import of labels under load. It checks that nothing is lost, and
// prints times, memory and calls of the store; docs/labeling.md has figures.
//
//   npm run label-load                                 both
//   npm run label-load -- --only page                  5,000 comparisons, each answer of 4,000 tokens
//   npm run label-load -- --only import --labels 1000  another number of labels
import { parseArgs } from "node:util";
import { importUnderLoad } from "./import.ts";
import { pageUnderLoad } from "./page.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    comparisons: { type: "string", default: "5000" },
    tokens: { type: "string", default: "4000" },
    questions: { type: "string", default: "50" },
    labels: { type: "string", default: "100000" },
  },
});
const { only } = values;
const [comparisons, tokens, questions, labels] = [
  values.comparisons,
  values.tokens,
  values.questions,
  values.labels,
].map(Number) as [number, number, number, number];

const say = (line: string): void => void process.stdout.write(`${line}\n`);
if (only !== "import") await pageUnderLoad({ comparisons, tokens, questions }, say);
if (only !== "page") await importUnderLoad(labels, say);
