// `ratchet logps`: log-probabilities of given answers under any checkpoint, for comparison with other
// programs.
import type { Command } from "commander";
import type { RowLogps } from "../client/record/logps.ts";
import { formatColumns } from "../report/columns.ts";
import { fixed } from "../report/digits.ts";
import { data, jsonLine, lookOf } from "./output.ts";

interface LogpsFlags {
  model: string;
  input: string;
  ignore?: string[];
  json?: boolean;
}

export const logpsVerb = (program: Command): Command =>
  program
    .command("logps")
    .description("print log-probabilities of given completions under a checkpoint")
    .requiredOption("--model <folder>", "a checkpoint in Hugging Face layout, or an adapter in PEFT's")
    .requiredOption(
      "--input <file>",
      "JSON Lines with prompt, messages or prompt_ids, and completion or completion_ids",
    )
    .option(
      "--ignore <name>",
      "leave a column or a field of messages out; may be given more than once",
      (name: string, names: string[] | undefined) => [...(names ?? []), name],
    )
    .option("--json", "print one line of JSON per row, token by token (docs/cli.md)")
    .action(async ({ model, input, ignore, json }: LogpsFlags) => {
      // Imported here, because it loads the engine.
      const { logpsOfFile } = await import("../client/record/logps.ts");
      const rows = await logpsOfFile(model, input, { ignore });
      if (json) rows.forEach(jsonLine);
      else data(table(rows), lookOf(process.stdout));
    });

function table(rows: RowLogps[]): string {
  const columns = ["row", "tokens", "sum", "mean"].map((title) => ({ title, align: "right" as const }));
  const cells = rows.map(({ id, logps, sum }, index) =>
    [id ?? String(index + 1), String(logps.length), fixed(sum, 4), fixed(sum / logps.length, 4)].map(
      (text) => ({ text }),
    ),
  );
  return formatColumns(columns, cells, lookOf(process.stdout));
}
