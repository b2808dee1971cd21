// `ratchet verify`: hashes everything that a campaign depends on.
import type { Command } from "commander";
import type { Verification } from "../client/maintenance/verify.ts";
import { visibleLine } from "../errors/index.ts";
import { openStoreClient, using } from "./context.ts";
import { data, json } from "./output.ts";

/** The exit code of damaged artifacts. */
const DAMAGED = 3;

interface VerifyFlags {
  campaignOnly?: boolean;
  head?: string;
  json?: boolean;
}

export const verifyVerb = (program: Command): Command =>
  program
    .command("verify")
    .description("hash every ledger row, manifest and blob again (exit 3 if any is damaged)")
    .argument("<campaign>", "campaign id, or its beginning")
    .option("--campaign-only", "skip blobs that only other campaigns name")
    .option("--head <digest>", "a head that `verify` printed before: exit 3 if the ledger has lost it")
    .option("--json", "print JSON (docs/cli.md)")
    .action(async (campaign: string, flags: VerifyFlags, command: Command) => {
      await using(openStoreClient(command), async (client) => {
        const { campaignOnly = false, head } = flags;
        const verification = await client.verify(campaign, { campaignOnly, head });
        if (flags.json) json(verification);
        else data(verificationText(verification));
        process.exitCode = verification.problems.length > 0 ? DAMAGED : 0;
      });
    });

function verificationText({ campaignId, head, checked, erased, problems }: Verification): string {
  const { rows, manifests, blobs, sizeBytes } = checked;
  const without = erased.length > 0 ? `, ${erased.length} erased` : "";
  const counted =
    `${rows} ledger rows, ${manifests} manifests, ${blobs} blobs, ` +
    `${(sizeBytes / 1e6).toFixed(1)} MB hashed again${without}`;
  const end = head === undefined ? [] : [`head ${head}`];
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
