// `ratchet export`: copies a checkpoint (Hugging Face layout) or preference pairs (TRL's columns) out of the
// store.
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
      "<campaign> for the promoted policy; <campaign>/<iteration>[.<take>] or <campaign>/base-<name>",
    )
    .requiredOption("--out <path>", "new folder, or new file with --pairs")
    .option("--latest", "export the newest policy instead of the promoted one")
    .option("--pairs", "export the pairs that the iteration trained on")
    .option("--json", "print path and digest as JSON")
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
