// `npm run mutations`: is the checker worth anything? Each defect is put into a copy of the built product, and chaos has to turn red within
// three seeds; without a defect the same commands have to stay green. Prints the table; exit code 1 where a defect lived or a control died.
//
//   npm run mutations                     all of them
//   npm run mutations -- epoch moments    those whose name holds one of the words
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Summary } from "../chaos/summary.ts";
import { DEFECTS } from "./defects.ts";
import type { Defect } from "./defects.ts";

const SEEDS = [1, 2, 3];
const root = fileURLToPath(new URL("../../../", import.meta.url));

interface Found {
  seed?: number;
  /** What chaos said first. */
  problem?: string;
  seconds: number;
}

const words = process.argv.slice(2);
const chosen = DEFECTS.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));
if (chosen.length === 0) {
  process.stderr.write(
    `no defect is called ${words.join(" or ")}; there are:\n${DEFECTS.map(({ name }) => `  ${name}\n`).join("")}`,
  );
  process.exit(1);
}
const lived: string[] = [];

for (const defect of chosen) {
  const copy = mutated(defect);
  const found = await hunt(copy, defect.chaos, SEEDS);
  rmSync(copy, { recursive: true });
  report(defect.name, found, found.seed === undefined ? "LIVED" : `red at seed ${found.seed}`);
  if (found.seed === undefined) lived.push(defect.name);
}
for (const control of distinct(chosen.map(({ chaos }) => chaos))) {
  const found = await hunt(root, control, SEEDS.slice(0, 1));
  report(
    `no defect, ${control.kinds.join(", ")} on ${control.store}`,
    found,
    found.seed === undefined ? "green" : "RED WITHOUT A DEFECT",
  );
  if (found.seed !== undefined) lived.push("the control");
}
process.stdout.write(`${chosen.length} defects, ${chosen.length - lived.length} found\n`);
process.exitCode = lived.length === 0 ? 0 : 1;

/** Runs chaos on a built product until a seed turns red. */
async function hunt(
  product: string,
  { store, kinds, stages, faults: most = 3 }: Defect["chaos"],
  seeds: readonly number[],
): Promise<Found> {
  const startedAt = Date.now();
  const seconds = (): number => Math.round((Date.now() - startedAt) / 1000);
  for (const seed of seeds) {
    const args = [
      "--seed",
      seed,
      "--faults",
      most,
      "--store",
      store,
      "--kinds",
      kinds.join(","),
      ...(stages ? ["--stages", stages.join(",")] : []),
      "--bail",
      "--json",
    ].map(String);
    // What the mutated product is compared with is the sound one's undisturbed run, made once.
    await chaos(root, ["--seed", String(seed), "--faults", "0", "--store", store, "--json"]);
    const { problems, faults } = await chaos(product, args);
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
  if (output === "") throw new Error(`chaos ended with exit code ${code} and said nothing`);
  return JSON.parse(output) as Summary;
}

/** A copy of the product in which one line is another. */
function mutated({ name, file, line, instead }: Defect): string {
  const copy = join(root, ".ratchet", "mutations", name.replaceAll(/[^a-z0-9]+/gi, "-"));
  rmSync(copy, { recursive: true, force: true });
  mkdirSync(join(copy, ".ratchet"), { recursive: true });
  mkdirSync(join(root, ".ratchet", "chaos"), { recursive: true });
  for (const part of ["dist", "package.json"])
    cpSync(join(root, part), join(copy, part), { recursive: true });
  // The undisturbed runs of the sound product are what the mutated one is compared with.
  for (const part of ["examples", "infra", ".ratchet/chaos"]) symlinkSync(join(root, part), join(copy, part));
  const path = join(copy, "dist", file);
  const code = readFileSync(path, "utf8");
  const times = code.split(line).length - 1;
  if (times !== 1)
    throw new Error(`the line of the defect "${name}" occurs ${times} times in ${file}: ${line}`);
  writeFileSync(
    path,
    code.replace(line, () => instead),
  );
  return copy;
}

function report(what: string, { problem, seconds }: Found, verdict: string): void {
  process.stdout.write(
    `${what.padEnd(56)} ${verdict.padEnd(16)} ${String(seconds).padStart(4)} s  ${problem?.slice(0, 110) ?? ""}\n`,
  );
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Map(values.map((value) => [JSON.stringify(value), value])).values()];
}
