// The files that a spec names: on this machine, or in repositories of the hub. All revisions become commits
// first and all small files come before large ones, so that what is missing is found before a long download.
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { HubSource } from "../campaign/types.ts";
import type { ResolvedSpec } from "../campaign/spec/schema.ts";
import type { Hub, HubFile, Listing } from "../hub/index.ts";
import { filesOfSplit, readmeOf } from "./hub-data.ts";
import { isHubModelFile } from "./model-files.ts";
import type { ModelFiles } from "./model-files.ts";
import type { Environment } from "./source-modules.ts";

type ModelUse = "policy" | "preferenceModel";
type RowUse = "prompts" | "sft" | "preferences";

export interface RowFiles {
  /** For messages. */
  name: string;
  /** In the order in which they are read. `name`: for messages. */
  files: { path: string; name: string }[];
  columns: Readonly<Record<string, string>>;
  ignore: readonly string[];
}

export interface GivenFiles {
  models: Partial<Record<ModelUse, ModelFiles>>;
  rows: Partial<Record<RowUse, RowFiles>>;
  /** Of what came from the hub: its names, for the record. */
  sources: HubSource[];
}

type ModelPlace = Pick<ResolvedSpec["policy"], "path" | "hub" | "revision">;
type RowPlace = Pick<
  ResolvedSpec["prompts"],
  "file" | "hub" | "revision" | "config" | "split" | "columns" | "ignore"
>;

const SETTINGS: Record<ModelUse, string> = {
  policy: "policy",
  preferenceModel: "score.preferenceModel",
};

export async function giveFiles(
  spec: ResolvedSpec,
  baseDir: string,
  environment: Environment,
): Promise<GivenFiles> {
  const models: [ModelUse, ModelPlace][] = [
    ["policy", spec.policy],
    ["preferenceModel", spec.score.preferenceModel],
  ];
  const { sft, preferences } = spec.bootstrap;
  const rows = (
    [
      ["prompts", spec.prompts],
      ["sft", sft?.data],
      ["preferences", preferences],
    ] as [RowUse, RowPlace | undefined][]
  ).filter((entry): entry is [RowUse, RowPlace] => entry[1] !== undefined);
  const given: GivenFiles = { models: {}, rows: {}, sources: [] };
  for (const [use, { path }] of models)
    if (path !== undefined)
      given.models[use] = { name: `${SETTINGS[use]}.path ${path}`, folder: resolve(baseDir, path) };
  for (const [use, { file, columns, ignore }] of rows)
    if (file !== undefined)
      given.rows[use] = {
        name: file,
        files: [{ path: resolve(baseDir, file), name: file }],
        columns,
        ignore,
      };
  if ([...models, ...rows].some(([, { hub }]) => hub !== undefined))
    await fromHub(given, models, rows, environment);
  return given;
}

async function fromHub(
  given: GivenFiles,
  models: [ModelUse, ModelPlace][],
  rows: [RowUse, RowPlace][],
  environment: Environment,
): Promise<void> {
  const { Hub, hubSettings } = await import("../hub/index.ts");
  const hub = new Hub(hubSettings(environment));
  const wanted: Wanted = [];
  for (const [use, place] of models)
    if (place.hub !== undefined) wanted.push(...(await modelOfHub(hub, given, use, place, place.hub)));
  for (const [use, place] of rows)
    if (place.hub !== undefined) wanted.push(...(await rowsOfHub(hub, given, use, place, place.hub)));
  wanted.sort((a, b) => a.file.size - b.file.size);
  for (const { listing, file } of wanted) await hub.fetch(listing, file);
}

type Wanted = { listing: Listing; file: HubFile }[];

async function modelOfHub(
  hub: Hub,
  { models, sources }: GivenFiles,
  use: ModelUse,
  { revision = "main" }: ModelPlace,
  name: string,
): Promise<Wanted> {
  const listing = await hub.resolve({ type: "model", name, revision });
  const files = listing.files.filter(({ path }) => isHubModelFile(path));
  const names = files.map(({ path }) => path);
  models[use] = { name: `${SETTINGS[use]}.hub ${name}`, folder: listing.folder, names };
  sources.push({ use, hub: name, revision, commit: listing.commit });
  return files.map((file) => ({ listing, file }));
}

async function rowsOfHub(
  hub: Hub,
  { rows, sources }: GivenFiles,
  use: RowUse,
  { revision = "main", config, split = "train", columns, ignore }: RowPlace,
  name: string,
): Promise<Wanted> {
  const listing = await hub.resolve({ type: "dataset", name, revision });
  const readme = readmeOf(listing);
  const text = readme && (await readFile(await hub.fetch(listing, readme), "utf8"));
  const files = filesOfSplit(listing, text, { config, split });
  const at = (path: string) => ({ path: join(listing.folder, ...path.split("/")), name: `${name}/${path}` });
  rows[use] = { name, files: files.map(({ path }) => at(path)), columns, ignore };
  const source: HubSource = { use, hub: name, revision, commit: listing.commit, split };
  if (config !== undefined) source.config = config;
  const named = Object.entries(columns).map(([ours, theirs]) => `${ours}: ${theirs}`);
  if (named.length > 0) source.columns = named;
  sources.push(source);
  return files.map((file) => ({ listing, file }));
}
