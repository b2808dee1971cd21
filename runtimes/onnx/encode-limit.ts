// The time limit of one row's encoding, seen from the parent: a template or a regular expression may never
// end, and the child cannot answer meanwhile.
import type { ChildProcess } from "node:child_process";
import { RatchetError } from "../../errors/index.ts";

/** Long enough for a busy machine, because this failure is final. */
const ENCODE_MS = 180_000;

export class EncodeLimit {
  /** Set when the limit has killed the child. */
  error: RatchetError | undefined;
  private readonly child: ChildProcess;
  private readonly limitMs: number;
  private timer: NodeJS.Timeout | undefined;

  constructor(child: ChildProcess, limitMs = ENCODE_MS) {
    this.child = child;
    this.limitMs = limitMs;
  }

  /** The child begins this row; without a row it has encoded all. */
  row(row?: string): void {
    clearTimeout(this.timer);
    if (row === undefined) return;
    this.timer = setTimeout(() => {
      this.error = new RatchetError(
        "encode_timeout",
        `${row}: the tokenizer and the chat template did not encode it within ${this.limitMs / 1000} s`,
        { hint: "its regular expressions or the template never end on this text, or it is far too long" },
      );
      this.child.kill("SIGKILL");
    }, this.limitMs);
  }
}
