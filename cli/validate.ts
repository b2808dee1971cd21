// `ratchet validate`: the checks that `start` makes, without starting.
import type { Command } from "commander";
import { visibleLine } from "../errors/index.ts";
import { checkCampaign } from "./check.ts";
import { CALL_MODULES, callLines, encodedLines, sourceLine } from "./checked-lines.ts";
import { data, json, note } from "./output.ts";
import { overlapLine } from "./overlaps.ts";
import { loadCampaign } from "./spec-file.ts";

export const validateVerb = (program: Command): Command =>
  program
    .command("validate")
    .description("check a campaign: settings, files, model, tokenizer, prompts and modules")
    .argument("<campaign>", "campaign file, or folder with one")
    .option(...CALL_MODULES)
    .option("--json", "print JSON (docs/cli.md)")
    .action(async (path: string, flags: { json?: boolean; callModules?: boolean }) => {
      const loaded = await loadCampaign(path);
      const { specDigest, summary } = await checkCampaign(loaded, flags.callModules ? "all" : "offline");
      if (flags.json) return json({ valid: true, name: loaded.spec.name, specDigest, summary });
      for (const warning of summary.warnings) note(`warning: ${warning}`);
      data(`${loaded.spec.name} is valid (spec ${specDigest.slice(0, 12)})`);
      data(overlapLine(summary));
      const imports = summary.modules.map(
        (module) => `${module.role} module ${module.name} imports ${module.imports.join(", ") || "no file"}`,
      );
      for (const line of [
        ...summary.sources.map(sourceLine),
        ...imports,
        ...encodedLines(summary),
        ...callLines(summary),
      ])
        data(visibleLine(line));
    });
