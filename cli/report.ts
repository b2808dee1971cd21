// `ratchet report`: writes the report of a campaign as one HTML file.
import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { RatchetError } from "../errors/index.ts";
import { openStoreClient, using } from "./context.ts";
import { data, json } from "./output.ts";

export const reportVerb = (program: Command): Command =>
  program
    .command("report")
    .description("write one HTML file with figures and tables of a campaign, from its record alone")
    .argument("<campaign>", "campaign id, or its beginning")
    .option(
      "--out <file>",
      "path of the file; by default report-<campaign>.html. An older report is replaced",
    )
    .option("--json", "print JSON (docs/cli.md)")
    .action(async (campaign: string, flags: { out?: string; json?: boolean }, command: Command) => {
      await using(openStoreClient(command), async (client) => {
        const record = await client.report(campaign);
        const [{ reportData }, { reportHtml, FIRST_LINE }] = await Promise.all([
          import("../report/data/index.ts"),
          import("../report/html/page.ts"),
        ]);
        const { campaignId } = record.campaign;
        const path = resolve(flags.out ?? `report-${campaignId}.html`);
        await refuseOtherFile(path, FIRST_LINE);
        const page = Buffer.from(reportHtml(reportData(record)));
        await replace(path, page);
        if (flags.json) json({ campaignId, path, sizeBytes: page.length });
        else data(path);
      });
    });

async function refuseOtherFile(path: string, firstLine: string): Promise<void> {
  const found = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (found !== undefined && !found.startsWith(firstLine))
    throw new RatchetError("export_exists", `${path} exists already and is no report`, {
      hint: "name another path with --out",
    });
}

/** A reader of the file sees the old report or the new one. */
async function replace(path: string, bytes: Uint8Array): Promise<void> {
  const making = `${path}.${process.pid}.making`;
  try {
    await writeFile(making, bytes);
    await rename(making, path);
  } finally {
    await rm(making, { force: true });
  }
}
