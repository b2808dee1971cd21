// `ratchet validate`: the checks that `start` makes, without starting.
import type { Command } from "commander";
import { checkCampaign } from "./check.ts";
import { data, json, note } from "./output.ts";
import { overlapLine } from "./overlaps.ts";
import { loadCampaign } from "./spec-file.ts";

export const validateVerb = (program: Command): Command =>
  program
    .command("validate")
    .description("check a campaign: settings, files, model, tokenizer, prompts and modules")
    .argument("<campaign>", "campaign file, or folder with one")
    .option("--json", "print JSON (docs/cli.md)")
    .action(async (path: string, flags: { json?: boolean }) => {
      const loaded = await loadCampaign(path);
      const { specDigest, summary } = await checkCampaign(loaded);
      if (flags.json) return json({ valid: true, name: loaded.spec.name, specDigest, summary });
      for (const warning of summary.warnings) note(`warning: ${warning}`);
      data(`${loaded.spec.name} is valid (spec ${specDigest.slice(0, 12)})`);
      data(overlapLine(summary));
      for (const { role, name, imports } of summary.modules)
        data(`${role} module ${name} imports ${imports.join(", ") || "no file"}`);
    });
