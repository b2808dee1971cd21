// `ratchet verify`: hashes everything that a campaign depends on.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import type { Anchor, Verification, VerifyOptions } from "../client/maintenance/verify.ts";
import { RatchetError, visibleLine } from "../errors/index.ts";
import { openStoreClient, using } from "./context.ts";
import { data, json } from "./output.ts";

/** The exit code of damaged artifacts. */
const DAMAGED = 3;

interface VerifyFlags {
  campaignOnly?: boolean;
  head?: string;
  key?: string;
  json?: boolean;
}

export const verifyVerb = (program: Command): Command =>
  program
    .command("verify")
    .description("hash every ledger row, manifest and blob again (exit 3 if any is damaged)")
    .argument("<campaign>", "campaign id, or its beginning")
    .option("--campaign-only", "skip blobs that only other campaigns name")
    .option(
      "--head <digest or file>",
      "a head that `verify` printed or `head --sign` wrote: exit 3 if the ledger has lost it",
    )
    .option("--key <file>", "public key of the head's signer")
    .option("--json", "print JSON (docs/cli.md)")
    .action(async (campaign: string, flags: VerifyFlags, command: Command) => {
      await using(openStoreClient(command), async (client) => {
        const { campaignOnly = false } = flags;
        const verification = await client.verify(campaign, { campaignOnly, ...(await anchorOf(flags)) });
        if (flags.json) json(verification);
        else data(verificationText(verification));
        process.exitCode = verification.problems.length > 0 ? DAMAGED : 0;
      });
    });

/** A digest may be given as it is. A file must be signed. */
async function anchorOf({ head, key }: VerifyFlags): Promise<Pick<VerifyOptions, "head" | "signed">> {
  if (head === undefined && key === undefined) return {};
  if (head !== undefined && key !== undefined)
    return { signed: { note: await readFile(head, "utf8"), key: await readFile(key, "utf8") } };
  if (head !== undefined && !existsSync(head)) return { head };
  throw new RatchetError("usage_invalid", "--key and a file of --head belong together", {
    hint: "verify --key ada.key.pub --head shop.head, or --head with the 64 digits that `verify` printed",
  });
}

function verificationText({ campaignId, head, anchor, checked, erased, problems }: Verification): string {
  const { rows, manifests, blobs, sizeBytes } = checked;
  const without = erased.length > 0 ? `, ${erased.length} erased` : "";
  const counted =
    `${rows} ledger rows, ${manifests} manifests, ${blobs} blobs, ` +
    `${(sizeBytes / 1e6).toFixed(1)} MB hashed again${without}`;
  const end = [...(head === undefined ? [] : [`head ${head}`]), ...anchorLines(anchor, rows - 1)];
  if (problems.length === 0) return [`${campaignId} is sound: ${counted}`, ...end].join("\n");
  const lines = problems.map(({ code, message, namedBy }) =>
    visibleLine(`  ${code}: ${message}${namedBy ? ` (named by ${namedBy})` : ""}`),
  );
  return [
    `${campaignId} is damaged: ${problems.length} problem${problems.length === 1 ? "" : "s"}; ${counted}`,
    ...lines,
    ...end,
  ].join("\n");
}

/** Which rows are beyond what somebody outside the store vouches for. */
function anchorLines(anchor: Anchor | undefined, last: number): string[] {
  if (!anchor) return ["no anchor: note the head elsewhere, or sign it (`ratchet head --sign`)"];
  const { row, by, at = "", finding } = anchor;
  const source =
    by === undefined ? "the given head" : `signed by ${by} at ${at.slice(0, 16).replace("T", " ")}`;
  if (finding) return [`anchor: row ${row}, ${source}: the ledger was ${finding.name} at row ${finding.row}`];
  const after =
    last > row ? `; no anchor after row ${row} (the last is row ${last})` : ", which is the last row";
  return [visibleLine(`anchor: row ${row}, ${source}${after}`)];
}
