// The finished campaigns, and the file from which a run can resume: one line of JSON per campaign. Lines that
// other code wrote stay in the file and are not counted.
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import type { CampaignResult } from "./campaign.ts";
import type { StoreKind } from "./pairs.ts";

/** The code that ran a campaign: `digest` for comparison, `commit` for the reader. */
export interface Code {
  digest: string;
  /** Ends with `+` when the tree had changes; null outside a repository. */
  commit: string | null;
}

export interface Row extends CampaignResult {
  code: Code;
  /** The flags --kinds and --stages, or `all`. */
  plan: string;
  /** Command that runs this campaign again. */
  replay: string;
}

export class Results {
  /** Campaigns that this code ran. */
  readonly rows: Row[];
  /** Number of campaigns in the file that other code ran. */
  readonly others: number;
  private readonly file: string | undefined;
  private readonly code: Code;

  /** Without a file, results are not stored. */
  constructor(file: string | undefined, code: Code) {
    this.file = file;
    this.code = code;
    const lines = file !== undefined && existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];
    // An interrupted run may leave half a line: its campaign runs again.
    const all = lines.flatMap((line) => (line.endsWith("}") ? [JSON.parse(line) as Row] : []));
    this.rows = all.filter((row) => row.code?.digest === code.digest);
    this.others = all.length - this.rows.length;
  }

  add(result: CampaignResult, plan: string, replay: string): Row {
    const row: Row = { ...result, code: this.code, plan, replay };
    this.rows.push(row);
    if (this.file === undefined) return row;
    mkdirSync(dirname(this.file), { recursive: true });
    // Start a new line if an interrupted run left half of one.
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
