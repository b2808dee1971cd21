// Rewrites the table of models in docs/parity.md: the largest differences between the engine and transformers
// or PEFT, as measured on this machine.
//   node dist/test/golden/models/parity.js
import { readFile, writeFile } from "node:fs/promises";
import {
  adapterDifferences,
  adapters,
  at,
  checkpointOf,
  differences,
  limits,
  readGolden,
  saved,
  variants,
} from "./golden.ts";
import type { Differences, GoldenAdapter } from "./golden.ts";

const columns = Object.keys(limits) as (keyof Differences)[];
const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

const row = (name: string, found: Partial<Differences>): string =>
  line([`\`${name}\``, ...columns.map((column) => found[column]?.toExponential(1) ?? "")]);

const rows = [
  line(["model", ...columns]),
  line(["---", ...columns.map(() => "---")]),
  line(["limit", ...columns.map((column) => limits[column].toExponential(0))]),
];
for (const name of [...variants, ...saved]) {
  const golden = await readGolden(name);
  rows.push(row(name, await differences(await checkpointOf(name, golden), golden)));
}
for (const name of adapters)
  rows.push(row(name, await adapterDifferences(await readGolden<GoldenAdapter>(name))));

const path = at("../../../docs/parity.md");
const section = /(<!-- models -->\n)[^]*?(<!-- end -->)/;
await writeFile(
  path,
  (await readFile(path, "utf8")).replace(
    section,
    (_, begin: string, end: string) => `${begin}${rows.join("\n")}\n${end}`,
  ),
);
process.stdout.write(`${rows.join("\n")}\n`);
