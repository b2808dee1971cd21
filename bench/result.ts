// Results: one JSON file per row, so that a run can stop and go on, and the table that is printed from them.
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface Result {
  row: string;
  work: string;
  size: string;
  /** The folder's name where one stood for the random weights of the smallest size. */
  checkpoint?: string;
  /** Against the best peer: how many times as fast, or (memory) how many times as large; the median over the repeats. */
  ratio: number;
  target: number;
  aim: number;
  /** Dense steps: the share of a large product's rate that the aim asks for besides. */
  shareAim?: number;
  /** memory: the smaller the ratio the better. */
  better: "higher" | "lower";
  /** Median of every runner, in `unit`. */
  median: Record<string, number>;
  unit: string;
  /** Lowest and highest ratio of a repeat. */
  spread: [number, number];
  /** The best peer. */
  peer: string;
  /** Peers that should have been measured and were not, and why. */
  missing: Record<string, string>;
  /** The way of doing the work that was fastest, by runner. */
  variants: Record<string, string>;
  /** Of the rate of a large product in the same run, by runner (dense steps). */
  matmulShare?: Record<string, number>;
  versions: Record<string, string>;
  machine: { cpu: string; cores: number; threads: number };
  /** Load average of the last minute when the row began. The row before leaves up to 2 of it on two threads. */
  load: number;
  repeats: number;
  /** Of the whole row, loading and trying variants included. */
  seconds: number;
  /** Every sample, by runner, in order. */
  samples: Record<string, object[]>;
  at: string;
}

const suffix = ".json";

export async function writeResult(dir: string, result: Result): Promise<void> {
  await mkdir(dir, { recursive: true });
  const path = join(dir, `${result.row}${suffix}`);
  await writeFile(`${path}.part`, `${JSON.stringify(result, null, 1)}\n`);
  await rename(`${path}.part`, path);
}

export async function readResults(dir: string): Promise<Map<string, Result>> {
  const names = existsSync(dir) ? await readdir(dir) : [];
  const results = await Promise.all(
    names
      .filter((name) => name.endsWith(suffix))
      .map(async (name) => JSON.parse(await readFile(join(dir, name), "utf8")) as Result),
  );
  return new Map(results.map((result) => [result.row, result]));
}

const digits = (value: number): string =>
  value
    .toPrecision(3)
    .replace(/e\+?/, "e")
    .replace(/^(\d\.\d\de\d+)$/, (text) => Number(text).toLocaleString("en"));

type Judged = Pick<Result, "ratio" | "target" | "aim" | "shareAim" | "better" | "matmulShare">;

/** An aim that asks for a share of the machine's rate is not reached where nobody could tell the rate. */
export function verdict({
  ratio,
  target,
  aim,
  shareAim = 0,
  better,
  matmulShare = {},
}: Judged): "aim" | "target" | "below" {
  const reaches = (goal: number): boolean => (better === "higher" ? ratio >= goal : ratio <= goal);
  if (reaches(aim) && (matmulShare["Ratchet"] ?? 0) >= shareAim) return "aim";
  return reaches(target) ? "target" : "below";
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

const HEADER = [
  "row",
  "ratio",
  "spread",
  "target",
  "aim",
  "reached",
  "Ratchet",
  "best peer",
  "load",
  "notes",
];

function cells(result: Result): string[] {
  const {
    row,
    ratio,
    spread,
    target,
    aim,
    shareAim,
    median,
    unit,
    peer,
    missing,
    load,
    matmulShare = {},
  } = result;
  const shares = Object.entries(matmulShare).map(([name, share]) => `${name} ${percent(share)}`);
  const notes = [
    ...Object.keys(missing).map((name) => `no ${name}`),
    ...(shares.length > 0 ? [`of MatMul's rate: ${shares.join(", ")}`] : []),
  ];
  return [
    row,
    `${ratio.toFixed(2)}×`,
    `${spread[0].toFixed(2)}–${spread[1].toFixed(2)}`,
    `${target}×`,
    shareAim === undefined ? `${aim}×` : `${percent(shareAim)} of MatMul`,
    verdict(result),
    `${digits(median["Ratchet"]!)} ${unit}`,
    `${peer} ${digits(median[peer]!)}`,
    load.toFixed(1),
    notes.join(", "),
  ];
}

/** Columns of equal width. */
export function formatTable(results: readonly Result[]): string {
  const lines = [HEADER, ...results.map(cells)];
  const widths = HEADER.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
