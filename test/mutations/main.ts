// `npm run mutations`: checks that chaos finds defects. Each mutation is applied to a copy of the built
// product, and chaos has to find a problem within three seeds. The same commands without a mutation, the
// controls, must find none. Prints a table; exit code 1 if a mutation was not found or a control found a
// problem.
//
//   npm run mutations                     all of them
//   npm run mutations -- epoch moments    mutations whose name contains one of the words
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Summary } from "../chaos/summary.ts";
import { MUTATIONS } from "./mutations.ts";
import type { Mutation } from "./mutations.ts";

const SEEDS = [1, 2, 3];
const root = fileURLToPath(new URL("../../../", import.meta.url));

interface Found {
  seed?: number;
  /** The first problem that chaos reported. */
  problem?: string;
  seconds: number;
}

const words = process.argv.slice(2);
const chosen = MUTATIONS.filter(
  ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
);
if (chosen.length === 0) {
  const names = MUTATIONS.map(({ name }) => `  ${name}\n`).join("");
  process.stderr.write(`no mutation is called ${words.join(" or ")}; there are:\n${names}`);
  process.exit(1);
}
/** Mutations that were not found, and controls that found a problem. */
const failed: string[] = [];

for (const mutation of chosen) {
  const copy = mutated(mutation);
  const found = await hunt(copy, mutation.chaos, SEEDS);
  rmSync(copy, { recursive: true });
  report(mutation.name, found, found.seed === undefined ? "NOT FOUND" : `found at seed ${found.seed}`);
  if (found.seed === undefined) failed.push(mutation.name);
}
for (const control of distinct(chosen.map(({ chaos }) => chaos))) {
  const found = await hunt(root, control, SEEDS.slice(0, 1));
  report(
    `control, ${control.kinds.join(", ")} on ${control.store}`,
    found,
    found.seed === undefined ? "no problem" : "FOUND A PROBLEM",
  );
  if (found.seed !== undefined) failed.push("a control");
}
process.stdout.write(`${chosen.length} mutations, ${failed.length} failures\n`);
process.exitCode = failed.length === 0 ? 0 : 1;

/** Runs chaos on a built product, seed by seed, until it reports a problem. */
async function hunt(
  product: string,
  { store, kinds, stages, faults: most = 3 }: Mutation["chaos"],
  seeds: readonly number[],
): Promise<Found> {
  const startedAt = Date.now();
  const seconds = (): number => Math.round((Date.now() - startedAt) / 1000);
  for (const seed of seeds) {
    const narrowed = ["--kinds", kinds.join(","), ...(stages ? ["--stages", stages.join(",")] : [])];
    const args = ["--seed", String(seed), "--store", store, ...narrowed, "--bail", "--json"];
    // Caches the undisturbed runs of the sound product, which the mutated product is compared with.
    await chaos(root, [...args, "--faults", "0"]);
    const { problems, faults } = await chaos(product, [...args, "--faults", String(most)]);
    if (problems.length > 0) return { seed, problem: problems[0]?.problem ?? "", seconds: seconds() };
    if (faults.total === 0) throw new Error(`no fault landed: chaos ${args.join(" ")}`);
  }
  return { seconds: seconds() };
}

async function chaos(product: string, args: string[]): Promise<Summary> {
  const child = spawn(process.execPath, [join(product, "dist/test/chaos/main.js"), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  const [code] = (await once(child, "close")) as [number | null];
  if (output === "") throw new Error(`chaos ended with exit code ${code} and printed nothing`);
  return JSON.parse(output) as Summary;
}

/** A copy of the product with one line replaced. */
function mutated({ name, file, line, instead }: Mutation): string {
  const copy = join(root, ".ratchet", "mutations", name.replaceAll(/[^a-z0-9]+/gi, "-"));
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(join(copy, ".ratchet"), { recursive: true });
  mkdirSync(join(root, ".ratchet", "chaos"), { recursive: true });
  for (const part of ["dist", "package.json"])
    cpSync(join(root, part), join(copy, part), { recursive: true });
  // .ratchet/chaos has the undisturbed runs of the sound product.
  for (const part of ["examples", "infra", ".ratchet/chaos"]) symlinkSync(join(root, part), join(copy, part));
  const path = join(copy, "dist", file);
  const code = readFileSync(path, "utf8");
  const times = code.split(line).length - 1;
  if (times !== 1)
    throw new Error(`the line of the mutation "${name}" occurs ${times} times in ${file}: ${line}`);
  writeFileSync(
    path,
    code.replace(line, () => instead),
  );
  return copy;
}

function report(what: string, { problem, seconds }: Found, verdict: string): void {
  const columns = [what.padEnd(56), verdict.padEnd(16), `${String(seconds).padStart(4)} s `];
  process.stdout.write(`${columns.join(" ")} ${problem?.slice(0, 110) ?? ""}\n`);
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}
