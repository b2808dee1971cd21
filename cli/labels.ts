// `ratchet labels`: questions to people out of the store, their labels into it, and figures about them.
import type { Command } from "commander";
import { Option } from "commander";
import { basename, resolve } from "node:path";
import { RatchetError } from "../errors/index.ts";
import { formatLabelStats } from "../report/label-stats.ts";
import { withdrawalLines } from "../report/withdrawals.ts";
import { globalsOf, openClientIfReachable, openStoreClient, repeatFlags, using } from "./context.ts";
import { data, json, lookOf, note, suggest } from "./output.ts";

type Format = "ratchet" | "label-studio";

interface ExportFlags {
  out: string;
  format: Format;
  labels?: boolean;
  json?: boolean;
}

interface WithdrawFlags {
  labeler: string;
  comparison?: number[];
  why: string;
  by?: string;
  requestId?: string;
  json?: boolean;
}

interface ImportFlags {
  format: Format;
  labeler?: string;
  json?: boolean;
}

interface StatsFlags {
  checks?: string;
  json?: boolean;
}

const ADDRESS = ["<address>", "<campaign>[/<iteration>[.<take>]]"] as const;

const format = (): Option =>
  new Option("--format <name>", "ratchet: JSON Lines (docs/labels.md); label-studio: its JSON")
    .choices(["ratchet", "label-studio"])
    .default("ratchet");

export function labelsVerb(program: Command): Command {
  const labels = program.command("labels").description("exchange questions and labels with other tools");
  addExport(labels);
  addImport(labels);
  addStats(labels);
  addWithdraw(labels);
  return labels;
}

function addExport(labels: Command): void {
  labels
    .command("export")
    .description("write the questions of the campaign's questionnaires, or the labels that were given")
    .argument(...ADDRESS)
    .requiredOption("--out <path>", "new file")
    .addOption(format())
    .option("--labels", "write the labels instead of the questions")
    .option("--json", "print JSON (docs/cli.md)")
    .action(async (address: string, flags: ExportFlags, command: Command) => {
      const { out, format: as, labels: given, json: asJson } = flags;
      await using(openStoreClient(command), async (client) => {
        const options = { format: as, what: given ? ("labels" as const) : ("questions" as const) };
        const exported = await client.exportLabels(address, out, options);
        if (asJson) return json(exported);
        data(exported.path);
        note(`${options.what} of ${exported.questionnaires} questionnaires`);
      });
    });
}

function addImport(labels: Command): void {
  labels
    .command("import")
    .description("give the labels of a file; a second import of it changes nothing")
    .argument(...ADDRESS)
    .argument("<file>", "labels in the given format")
    .addOption(format())
    .option("--labeler <name>", "pseudonym of who gave labels that name nobody")
    .option("--json", "print JSON (docs/cli.md)")
    .action(async (address: string, file: string, flags: ImportFlags, command: Command) => {
      const { json: asJson, ...rest } = flags;
      await using(openClientIfReachable(command), async (client) => {
        const imported = await client.importLabels(address, { file, path: resolve(file), ...rest });
        if (asJson) return json(imported);
        const { labels: count, unanswered, outcomes } = imported;
        const counts = Object.entries(outcomes).map(([outcome, n]) => `${n} ${outcome}`);
        data(`${basename(file)}: ${count} labels (${counts.join(", ") || "none"}), ${unanswered} unanswered`);
      });
    });
}

function addStats(labels: Command): void {
  labels
    .command("stats")
    .description("print progress, agreement between people, and each labeler's habits")
    .argument(...ADDRESS)
    .option("--checks <file>", "labels that are known to be right: print how often each labeler agrees")
    .option("--json", "print JSON (docs/cli.md)")
    .action(async (address: string, { checks, json: asJson }: StatsFlags, command: Command) => {
      await using(openStoreClient(command), async (client) => {
        const known = checks === undefined ? undefined : { file: checks, path: resolve(checks) };
        const stats = await client.labelStats(address, known);
        if (asJson) json(stats);
        else data(formatLabelStats(stats, lookOf(process.stdout)), lookOf(process.stdout));
      });
    });
}

function addWithdraw(labels: Command): void {
  labels
    .command("withdraw")
    .description("leave a labeler's labels out of later training; names what was trained on them already")
    .argument(...ADDRESS)
    .requiredOption("--labeler <name>", "pseudonym of who gave the labels")
    .option("--comparison <numbers>", "only these, comma-separated; of one questionnaire", parseNumbers)
    .requiredOption("--why <text>", "reason, for the ledger")
    .option("--by <name>", "your name, for the ledger (default: user@host)")
    .option("--request-id <id>", "requests with the same id are recorded once")
    .option("--json", "print JSON (docs/cli.md)")
    .action(async (address: string, flags: WithdrawFlags, command: Command) => {
      const { labeler, comparison, json: asJson, ...who } = flags;
      await using(openStoreClient(command), async (client) => {
        const withdrawn = await client.withdrawLabels(address, labeler, { ...who, comparisons: comparison });
        if (asJson) return json(withdrawn);
        const { campaignId, withdrawal } = withdrawn;
        if (!withdrawal) return data(`all labels of ${labeler} there were withdrawn before`);
        for (const line of withdrawalLines(withdrawal)) data(line);
        const sealed = withdrawal.trained.reduce((sum, { labels: listed }) => sum + listed, 0);
        if (sealed < withdrawal.labels)
          note("a seal that was being made at this moment may still list them: `ratchet history` says so");
        suggest([`history ${campaignId}${repeatFlags(globalsOf(command))}`]);
      });
    });
}

function parseNumbers(text: string): number[] {
  const numbers = text.split(",").map((part) => part.trim());
  const wrong = numbers.find((part) => !/^\d{1,9}$/.test(part));
  if (wrong === undefined) return numbers.map(Number);
  throw new RatchetError("usage_invalid", `${JSON.stringify(wrong)} is no number of a comparison`);
}
