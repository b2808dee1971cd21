// `ratchet init`: writes a starter campaign as files to change: the quick campaign of examples/shop with all
// its values, its modules and its tokenizer.
import { cp, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { RatchetError } from "../errors/index.ts";
import { isCampaignId } from "../campaign/ids.ts";
import type { WrittenSpec } from "../campaign/spec/schema.ts";
import { data, note, suggest } from "./output.ts";

/** Sources of the example; the package contains them. */
const SHOP = fileURLToPath(new URL("../../examples/shop/", import.meta.url));

/** Imported at run time, because the example is data for this command. */
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
      note("a small model learns to answer a shop's orders; change any of the files");
      suggest([`validate ${shown}`, `plan ${shown}`, `run ${shown}`]);
    });

async function writeStarter(path: string): Promise<void> {
  if (
    await stat(path).then(
      () => true,
      () => false,
    )
  ) {
    throw new RatchetError("init_exists", `${path} already exists`, {
      hint: "name a new folder: ratchet init <folder>",
    });
  }
  await mkdir(dirname(path), { recursive: true });
  // Written under another name and then renamed, so that an interrupted init leaves no partial campaign.
  const making = join(dirname(path), `.${basename(path)}.${process.pid}.making`);
  try {
    await mkdir(making);
    await cp(join(SHOP, "tokenizer"), join(making, "tokenizer"), { recursive: true });
    for (const name of await moduleNames())
      await writeFile(join(making, name), standalone(await readFile(join(SHOP, name), "utf8")));
    await writeFile(join(making, "campaign.yaml"), await starterYaml(await quickShop(), basename(path)));
    await rename(making, path);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

/** The modules of the campaign and their imports, without tests and files that only the example needs. */
async function moduleNames(): Promise<string[]> {
  const unneeded = new Set(["campaign.ts", "quick.ts", "demo.ts", "tokenizer.ts"]);
  return (await readdir(SHOP)).filter(
    (name) => name.endsWith(".ts") && !name.endsWith(".test.ts") && !unneeded.has(name),
  );
}

/** In the repository, the modules import types from its sources; in a user's folder, from the package. */
const standalone = (source: string): string =>
  source.replace(/from "\.\.\/\.\.\/campaign\/[a-z-]+\.ts"/g, 'from "ratchet-rlhf"');

/** Comments above the sections of the file. */
const COMMENTS: Record<string, string> = {
  name: " An online RLHF campaign. `ratchet plan` prints it with all defaults.",
  policy: " π_0: a new model of this shape. For your own checkpoint: `path: ./folder` (Hugging Face layout).",
  prompts: " Prompts from a module; for a file: `file: prompts.jsonl`. Splits never overlap.",
  bootstrap: " Runs once: SFT on the writers' answers; labels for pairs of π_0's answers; a reward model.",
  baselines: " Offline controls: as many pairs and steps as the iterations, without new samples.",
  iterations: " Each one: generate → score → label → pair → train → evaluate → promote.",
  generate:
    " 2 answers per prompt. piece: prompts per batch; shard: pieces per activity; wave: shards at once.",
  score: " With the bootstrap's reward model. For your own function: `reward: { module: ./reward.ts }`.",
  labels:
    " Which answer is better? Here a module says so; without `labelers`, people do (`ratchet label`). " +
    "Without the section, pairs are made of scores.",
  pair: " As many pairs as all variants can make, in whole batches.",
  train: " DPO from the newest policy, with π_0 as reference.",
  evaluate:
    " The judge decides whether an iteration is promoted. gold: the true reward, for the test report only.",
};

async function starterYaml(spec: WrittenSpec, folder: string): Promise<string> {
  const { Document, isMap, isScalar } = await import("yaml");
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
