// `ratchet init`: a starter campaign that visibly teaches a small model, as files to change: the shop's quick campaign with its
// values written out, its prompts, writers, rater, judge and gold as modules, and its tokenizer.
import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { Document, isMap, isScalar } from "yaml";
import { RatchetError } from "../errors/index.ts";
import { isCampaignId } from "../campaign/ids.ts";
import type { WrittenSpec } from "../campaign/spec/schema.ts";
import { data, note, suggest } from "./output.ts";

/** The sources, which the package carries beside what was compiled from them. */
const SHOP = fileURLToPath(new URL("../../examples/shop/", import.meta.url));

/** Read when it is needed, like the files beside it: an example is material, not a part of this command. */
async function quickShop(): Promise<WrittenSpec> {
  const { shopCampaign } = (await import(new URL("../examples/shop/campaign.js", import.meta.url).href)) as {
    shopCampaign(options: { seed: number; quick: boolean }): WrittenSpec;
  };
  return shopCampaign({ seed: 1, quick: true });
}

export const initVerb = (program: Command): Command =>
  program
    .command("init")
    .description("write a starter campaign that teaches a small model within minutes")
    .argument("[folder]", "new folder", "my-campaign")
    .action(async (folder: string) => {
      const path = resolve(folder);
      await writeStarter(path);
      const shown = relative(process.cwd(), path) || ".";
      data(join(shown, "campaign.yaml"));
      note("a shop's orders: the model answers, raters judge, gold is hidden; every file is yours to change");
      suggest([`validate ${shown}`, `plan ${shown}`, `run ${shown}`]);
    });

async function writeStarter(path: string): Promise<void> {
  if (
    await stat(path).then(
      () => true,
      () => false,
    )
  ) {
    throw new RatchetError("init_exists", `${path} exists already`, {
      hint: "name a new folder: ratchet init <folder>",
    });
  }
  await mkdir(dirname(path), { recursive: true });
  // Made under another name and moved whole: an interrupted init leaves no half campaign.
  const making = join(dirname(path), `.${basename(path)}.${process.pid}.making`);
  try {
    await mkdir(making);
    await cp(join(SHOP, "tokenizer"), join(making, "tokenizer"), { recursive: true });
    for (const name of await moduleNames())
      await writeFile(join(making, name), standalone(await readFile(join(SHOP, name), "utf8")));
    await writeFile(join(making, "campaign.yaml"), starterYaml(await quickShop(), basename(path)));
    await rename(making, path);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

/** What the campaign file names and what that imports; not tests, nor the example's own campaigns, its demo and what made the tokenizer. */
async function moduleNames(): Promise<string[]> {
  const left = new Set(["campaign.ts", "quick.ts", "demo.ts", "tokenizer.ts"]);
  return (await readdir(SHOP)).filter(
    (name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && !left.has(name),
  );
}

/** In the repository the modules name its sources; elsewhere they name the package. Both are types only. */
export const standalone = (source: string): string =>
  source.replace(/from "\.\.\/\.\.\/campaign\/[a-z-]+\.ts"/g, 'from "ratchet-rlhf"');

/** What each section is for, above it in the file. */
const COMMENTS: Record<string, string> = {
  name: " An online RLHF campaign. `ratchet plan` shows it with all defaults; values here are explicit so that you can change them.",
  policy:
    " π_0: a fresh model of this shape. A checkpoint of yours instead: `path: ./folder` (Hugging Face layout, Llama family).",
  prompts: " Prompts as a module; `file: prompts.jsonl` works too. Splits never overlap.",
  bootstrap:
    " Once: SFT on the writers' answers, then pairs of π_0's answers labelled by the rater, then a reward model.",
  baselines: " Offline controls: the same number of pairs and steps, without fresh samples.",
  iterations: " Each: generate → score → pair → train → evaluate → promote.",
  generate:
    " 8 answers for each prompt. piece: prompts per batch; shard: pieces per activity; wave: shards at once.",
  score: " By the bootstrap's reward model, or your own function: `reward: { module: ./reward.ts }`.",
  pair: " Best against worst of each prompt.",
  train: " DPO against π_0, from the newest policy.",
  evaluate: " The judge decides what is promoted; gold is the hidden truth, for the test report only.",
};

export function starterYaml(spec: WrittenSpec, folder: string): string {
  const name = isCampaignId(folder) ? folder : "my-campaign";
  const document = new Document({ ...spec, name }, { aliasDuplicateObjects: false });
  if (isMap(document.contents)) {
    for (const { key } of document.contents.items) {
      if (!isScalar(key)) continue;
      key.commentBefore = COMMENTS[String(key.value)] ?? null;
      key.spaceBefore = key.value !== "name" && String(key.value) in COMMENTS;
    }
  }
  return document.toString({ lineWidth: 120 });
}
