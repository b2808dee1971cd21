// The campaigns that were run, and the file that a run can be continued from: one line of JSON per finished campaign. What other code did
// says nothing about this one: its lines stay, and are not counted.
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { CampaignResult } from "./campaign.ts";
import type { StoreKind } from "./pairs.ts";

/** Which code did it: `digest` tells apart, `commit` tells the reader. */
export interface Code {
  digest: string;
  /** With `+` where the tree had changes; null outside of a repository. */
  commit: string | null;
}

export interface Row extends CampaignResult {
  code: Code;
  /** Kinds and stages that were asked for; `all` where none were. */
  plan: string;
  /** Gives this campaign again. */
  replay: string;
}

export class Results {
  /** Of this code. */
  readonly rows: Row[];
  /** Campaigns in the file that other code ran. */
  readonly others: number;
  private readonly file: string | undefined;
  private readonly code: Code;

  /** Without a file nothing is kept. */
  constructor(file: string | undefined, code: Code) {
    this.file = file;
    this.code = code;
    const lines = file !== undefined && existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
    // The last line of an interrupted run may be cut short: its campaign is run again.
    const all = lines.flatMap((line) => (line.endsWith("}") ? [JSON.parse(line) as Row] : []));
    this.rows = all.filter((row) => row.code?.digest === code.digest);
    this.others = all.length - this.rows.length;
  }

  add(result: CampaignResult, plan: string, replay: string): Row {
    const row: Row = { ...result, code: this.code, plan, replay };
    this.rows.push(row);
    if (this.file === undefined) return row;
    mkdirSync(dirname(this.file), { recursive: true });
    // A line that an interrupted run left unfinished must not swallow this one.
    const before = existsSync(this.file) ? readFileSync(this.file, "utf8") : "";
    appendFileSync(
      this.file,
      `${before === "" || before.endsWith("\n") ? "" : "\n"}${JSON.stringify(row)}\n`,
    );
    return row;
  }

  has(seed: number, store: StoreKind, plan: string, index: number): boolean {
    return this.rows.some(
      (row) => row.seed === seed && row.store === store && row.plan === plan && row.index === index,
    );
  }
}
