// `ratchet head`: the head of a ledger, signed if a key is given.
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import type { Head } from "../client/head/sign.ts";
import { RatchetError } from "../errors/index.ts";
import { openStoreClient, using } from "./context.ts";
import { writeNewFile } from "./new-file.ts";
import { data, json } from "./output.ts";

interface HeadFlags {
  sign?: string;
  out?: string;
  json?: boolean;
}

export const headVerb = (program: Command): Command =>
  program
    .command("head")
    .description("print the last row of the ledger and its digest, which covers the whole ledger")
    .argument("<campaign>", "campaign id, or its beginning")
    .option("--sign <key>", "sign it with a private key of `ratchet key`")
    .option("--out <file>", "write the signed head to a new file; by default it is printed")
    .option("--json", "print JSON (docs/cli.md)")
    .action(async (campaign: string, flags: HeadFlags, command: Command) => {
      const { sign, out } = flags;
      if (out !== undefined && sign === undefined)
        throw new RatchetError("usage_invalid", "--out writes a signed head, and no key is given", {
          hint: "name the private key with --sign; `ratchet key` makes one",
        });
      const secret = sign === undefined ? undefined : await readFile(sign, "utf8");
      await using(openStoreClient(command), async (client) => {
        if (secret === undefined) {
          const head = await client.head(campaign);
          return flags.json ? json(head) : data(headLine(head));
        }
        const signed = await client.signHead(campaign, secret);
        const path = out === undefined ? undefined : await writeNewFile(out, signed.note);
        if (flags.json) return json({ ...signed, path });
        data(path === undefined ? signed.note.trimEnd() : `${headLine(signed)}\n${path}`);
      });
    });

const headLine = ({ campaignId, row, head }: Head): string => `${campaignId} row ${row} head ${head}`;
