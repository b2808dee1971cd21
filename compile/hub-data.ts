// Which files of a data set's repository hold a split: by the list in the head of its README, or else by
// their names, as Python's `datasets` finds them.
import { parse } from "yaml";
import { RatchetError } from "../errors/index.ts";
import type { HubFile, Listing } from "../hub/index.ts";

export interface Wanted {
  config: string | undefined;
  split: string;
}

const README_BYTES_MAX = 4 * 1024 ** 2;
const READABLE = /\.(?:parquet|jsonl|json|jsonl\.gz|json\.gz)$/;
/** Other files of rows, which are named when a split has nothing else. */
const OTHER = /\.(?:csv|tsv|txt|arrow|zst|zip|tar)(?:\.\w+)?$/;
const SYNONYMS: Record<string, string[]> = {
  train: ["train", "training"],
  validation: ["validation", "valid", "dev", "val"],
  test: ["test", "testing", "eval", "evaluation"],
};

interface Config {
  config_name?: unknown;
  default?: unknown;
  data_files?: unknown;
  data_dir?: unknown;
}

export const readmeOf = ({ files }: Listing): HubFile | undefined =>
  files.find(({ path, size }) => path === "README.md" && size <= README_BYTES_MAX);

/** `readme`: text of README.md, if there is one. In the order of names, as `datasets` reads files. */
export function filesOfSplit(listing: Listing, readme: string | undefined, wanted: Wanted): HubFile[] {
  const { name } = listing.repo;
  const configs = configsOf(readme, name);
  const config = configs && chosen(configs, wanted.config, name);
  const fits = config ? byConfig(config, wanted.split, name) : byName(listing, wanted);
  const found = listing.files.filter(({ path }) => fits(path)).sort((a, b) => (a.path < b.path ? -1 : 1));
  const readable = found.filter(({ path }) => READABLE.test(path));
  if (readable.length === found.length && found.length > 0) return found;
  const other = found.find(({ path }) => !READABLE.test(path));
  throw unknown(
    other
      ? `split ${wanted.split} of ${name} is in ${other.path}, which is neither Parquet nor JSON Lines`
      : `${name} has no file of split ${wanted.split}${wanted.config ? ` of ${wanted.config}` : ""}`,
    "a copy of most data sets in Parquet is at revision refs/convert/parquet",
  );
}

function configsOf(readme: string | undefined, name: string): Config[] | undefined {
  const head = /^---\r?\n([^]*?)\r?\n---/.exec(readme ?? "")?.[1];
  if (head === undefined) return undefined;
  let values: unknown;
  try {
    values = parse(head, { logLevel: "silent" });
  } catch {
    throw unknown(`the head of ${name}/README.md is not YAML`, "give the files by a revision whose head is");
  }
  const configs = (values as { configs?: unknown } | null)?.configs;
  const given = Array.isArray(configs) ? (configs as Config[]) : [];
  const useful = given.filter(({ data_files: files, data_dir: dir }) => files ?? dir);
  return useful.length > 0 ? useful : undefined;
}

function chosen(configs: Config[], wanted: string | undefined, name: string): Config {
  const byDefault = configs.length === 1 ? configs[0] : configs.find((one) => one.default === true);
  const found =
    wanted === undefined
      ? (byDefault ?? configs.find((one) => one.config_name === "default"))
      : configs.find((one) => one.config_name === wanted);
  if (found) return found;
  const names = configs.map((one) => String(one.config_name)).join(", ");
  throw unknown(
    wanted === undefined ? `${name} has several configurations` : `${name} has no configuration ${wanted}`,
    `name one by config: ${names}`,
  );
}

/** `data_files` is a pattern, a list of patterns (split train), or patterns by split in one of two forms. */
function byConfig(config: Config, split: string, name: string): (path: string) => boolean {
  const { data_files: files, data_dir: dir } = config;
  const prefix = typeof dir === "string" ? `${dir.replace(/^\.?\/|\/$/g, "")}/` : "";
  if (files === undefined) return (path) => path.startsWith(prefix) && namesSplit(path, split);
  const bySplit = splitsOf(files);
  const patterns = bySplit.get(split);
  if (!patterns)
    throw unknown(`${name} has no split ${split}`, `name one by split: ${[...bySplit.keys()].join(", ")}`);
  const tests = patterns.map((pattern) => glob(prefix + pattern.replace(/^\.\//, "")));
  return (path) => tests.some((test) => test.test(path));
}

function splitsOf(files: unknown): Map<string, string[]> {
  const texts = (value: unknown): string[] => [value].flat().filter((one) => typeof one === "string");
  if (typeof files === "string") return new Map([["train", [files]]]);
  if (!Array.isArray(files))
    return new Map(Object.entries(files as object).map(([split, paths]) => [split, texts(paths)]));
  if (files.every((one) => typeof one === "string")) return new Map([["train", files]]);
  return new Map(
    (files as { split: string; path: unknown }[]).map(({ split, path }) => [split, texts(path)]),
  );
}

/** `*` within a folder, `**` through folders. */
function glob(pattern: string): RegExp {
  const parts = pattern.split(/(\*\*\/?|\*|\?)/).map((part) => {
    if (part.startsWith("**")) return ".*";
    if (part === "*") return "[^/]*";
    return part === "?" ? "[^/]" : part.replace(/[\\^$.|+()[\]{}]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}$`);
}

/** Without a list: the split's name is a word of the path. Without any such name, all files are train. */
function byName({ files }: Listing, { config, split }: Wanted): (path: string) => boolean {
  const data = files
    .map(({ path }) => path)
    .filter(
      (path) => (READABLE.test(path) || OTHER.test(path)) && (!config || path.startsWith(`${config}/`)),
    );
  const known = [...Object.keys(SYNONYMS), split];
  const named = data.some((path) => known.some((one) => namesSplit(path, one)));
  const all = !named && split === "train";
  return (path) => data.includes(path) && (all || namesSplit(path, split));
}

const namesSplit = (path: string, split: string): boolean =>
  (SYNONYMS[split] ?? [split]).some((word) =>
    new RegExp(`(?:^|[-._ 0-9/])${word.replace(/[.]/g, "\\.")}(?:[-._ 0-9/]|$)`).test(path),
  );

const unknown = (message: string, hint: string): RatchetError =>
  new RatchetError("hub_unknown", message, { hint });
