// `ratchet export`: a checkpoint in Hugging Face layout, or preference pairs in TRL's columns, out of the store.
import type { Command } from "commander";
import { RatchetError } from "../errors/index.ts";
import { parseAddress } from "../campaign/ids.ts";
import { openStoreClient, using } from "./context.ts";
import { data, json, note } from "./output.ts";

interface ExportFlags {
  out: string;
  latest?: boolean;
  pairs?: boolean;
  json?: boolean;
}

export const exportVerb = (program: Command): Command =>
  program
    .command("export")
    .description("copy a checkpoint (Hugging Face layout) or pairs (JSON Lines) out of the store")
    .argument(
      "<address>",
      "<campaign>: the promoted policy; <campaign>/<iteration>[.<take>] or /base-<name>: that one",
    )
    .requiredOption("--out <path>", "folder, or file with --pairs; must not exist")
    .option("--latest", "the newest policy instead of the promoted one")
    .option("--pairs", "the pairs that the addressed iteration trained on")
    .option("--json", "what was written, as JSON")
    .action(async (address: string, { out, latest, pairs, json: asJson }: ExportFlags, command: Command) => {
      const stage = parseAddress(address)?.stage;
      if (pairs && latest)
        throw new RatchetError("usage_invalid", "--latest names a checkpoint and --pairs names pairs", {
          hint: "address the iteration: <campaign>/<iteration> --pairs",
        });
      await using(openStoreClient(command), async (client) => {
        const asPairs = pairs === true || stage === "pair";
        const exported = asPairs
          ? await client.exportPairs(address, out)
          : await client.exportCheckpoint(address, out, latest ? "latest" : "promoted");
        if (asJson) return json(exported);
        data(exported.path);
        note(`${asPairs ? "pairs" : "checkpoint"} of ${exported.place}, ${exported.digest.slice(0, 12)}`);
      });
    });
