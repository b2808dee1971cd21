// Results: one JSON file per row, so that a run can resume, and the printed table.
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface Result {
  row: string;
  work: string;
  size: string;
  /** Name of the folder given by --model, in place of random weights. */
  checkpoint?: string;
  /**
   * Ratchet's value over the best peer's: times as fast, or (memory) times as large; the median over the
   * repeats.
   */
  ratio: number;
  target: number;
  aim: number;
  /** Dense steps: the aim also asks for this share of a large product's rate. */
  shareAim?: number;
  /** lower: a smaller ratio is better (memory). */
  better: "higher" | "lower";
  /** Median of each runner, in `unit`. */
  median: Record<string, number>;
  unit: string;
  /** Lowest and highest ratio of a repeat. */
  spread: [number, number];
  /** The best peer. */
  peer: string;
  /** Peers that were not measured, with the reason. */
  missing: Record<string, string>;
  /** The fastest variant of each runner. */
  variants: Record<string, string>;
  /** Dense steps: each runner's rate as a share of the rate of a large product in the same run. */
  matmulShare?: Record<string, number>;
  versions: Record<string, string>;
  machine: { cpu: string; cores: number; threads: number };
  /** Load average over one minute when the row began. The row before it leaves up to 2 on two threads. */
  load: number;
  repeats: number;
  /** Duration of the whole row, including loading and trials. */
  seconds: number;
  /** All samples of each runner, in order. */
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

/** An aim with a share is not reached if the rate of a large product is unknown. */
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
