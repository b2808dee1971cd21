// Encodes rows in a child process that is killed when a row takes too long or needs too much memory. One
// child serves many rows, because its start takes as long as thousands of them.
import { fileURLToPath } from "node:url";
import { deserialize, serialize } from "node:v8";
import { RatchetError } from "../../errors/index.ts";
import type { ModelConfig } from "../../engine/model/index.ts";
import { LimitedChild } from "../../host/limited-child.mjs";
import type { ChildEnd } from "../../host/limited-child.mjs";
import { errorFromParts } from "../onnx/errors.ts";
import type { Answer, Opened, Request, RowKind, RowKinds } from "./protocol.ts";

export type { PromptText } from "../../engine/tokenizer/tokenizer.ts";
export type { TrainTask } from "../types.ts";
export type {
  CompletionIds,
  CompletionText,
  LengthLimit,
  PromptLength,
  RowKind,
  RowKinds,
  RowUse,
  SampledText,
  SamplingPrompt,
  TrainText,
} from "./protocol.ts";

const CHILD = fileURLToPath(new URL("./child.js", import.meta.url));
const LIMITS = { heapMb: 4096, memoryMb: 6144 };
/** Limits of the tokenizer's files, of one row, and of all rows of one call. */
export interface EncoderTimes {
  openMs: number;
  rowMs: number;
  allMs: number;
}
const TIMES: EncoderTimes = { openMs: 120_000, rowMs: 30_000, allMs: 1_200_000 };
/** Most rows of one request, and characters after which it gets no further row. */
const ROWS_SENT = 256;
const CHARACTERS_SENT = 1 << 20;

/** The outcome of one row. */
export type Encoded<K extends RowKind> = { value: RowKinds[K]["answer"] } | { error: Error };

export class Encoder {
  private readonly child: LimitedChild;
  private readonly name: string;
  private readonly times: EncoderTimes;

  private constructor(child: LimitedChild, name: string, times: EncoderTimes) {
    this.child = child;
    this.name = name;
    this.times = times;
  }

  /** `dir`: folder with the tokenizer's files. `name`: of the model, for messages. */
  static async open(dir: string, config: ModelConfig, name: string, times = TIMES): Promise<Encoder> {
    const { PATH, LANG, TZ } = process.env;
    const child = new LimitedChild({ args: [CHILD], limits: LIMITS, env: { PATH, LANG, TZ } });
    const encoder = new Encoder(child, name, times);
    try {
      encoder.send({ kind: "open", dir, config });
      const opened = (await encoder.receive(times.openMs, `the tokenizer of ${name}`)) as Opened;
      if ("error" in opened) throw errorFromParts(opened.error);
      return encoder;
    } catch (error) {
      await encoder.close();
      throw error;
    }
  }

  /**
   * Outcomes in the rows' order. `placeOf` names a row in the error that ends all rows: `encode_timeout` or
   * `encode_died`.
   */
  async *encode<K extends RowKind>(
    kind: K,
    more: RowKinds[K]["more"],
    rows: readonly RowKinds[K]["row"][],
    placeOf: (index: number) => string,
  ): AsyncGenerator<Encoded<K>> {
    const until = Date.now() + this.times.allMs;
    for (let from = 0; from < rows.length;) {
      const part = rows.slice(from, from + sent(rows, from));
      this.send({ kind, rows: part, ...more } as unknown as Request);
      for (const at of part.keys()) {
        if (Date.now() > until) throw this.tooSlow(placeOf(from + at));
        const answer = (await this.receive(this.times.rowMs, placeOf(from + at))) as Answer<K>;
        yield "error" in answer ? { error: errorFromParts(answer.error) } : answer;
      }
      from += part.length;
    }
  }

  /** The answer to one row; throws its error. */
  async one<K extends RowKind>(
    kind: K,
    more: RowKinds[K]["more"],
    row: RowKinds[K]["row"],
    place: string,
  ): Promise<RowKinds[K]["answer"]> {
    const { value: outcome } = await this.encode(kind, more, [row], () => place).next();
    if (!outcome) throw new RatchetError("unreachable_state", `${place} has no outcome`);
    if ("error" in outcome) throw outcome.error;
    return outcome.value;
  }

  close(): Promise<void> {
    return this.child.close();
  }

  private send(request: Request): void {
    this.child.send(serialize(request));
  }

  private async receive(limitMs: number, place: string): Promise<unknown> {
    const bytes = await this.child.receive(limitMs).catch((end: ChildEnd) => {
      throw this.failure(end, place);
    });
    return deserialize(bytes) as unknown;
  }

  private tooSlow(place: string): RatchetError {
    const limit = this.times.allMs / 60_000;
    return new RatchetError(
      "encode_timeout",
      `${place}: the rows before it took more than ${limit} minutes to encode for ${this.name}`,
      { hint: "the tokenizer's regular expressions or the chat template are too slow" },
    );
  }

  private failure({ why, how, output }: ChildEnd, place: string): RatchetError {
    const hint =
      "the tokenizer's regular expressions or the chat template never end on it, or it is far too long";
    if (why === "time")
      return new RatchetError(
        "encode_timeout",
        `${place}: the process that encodes for ${this.name} ${how} and was ended`,
        { hint },
      );
    const last = why === "end" && output ? `; its last output: ${output.slice(-300)}` : "";
    return new RatchetError(
      "encode_died",
      `${place}: the process that encodes for ${this.name} ${how}${last}`,
      { hint: `it may use ${LIMITS.memoryMb} MB: look at the tokenizer's files and the row` },
    );
  }
}

/** Number of rows from `from` on that one request holds. */
function sent(rows: readonly object[], from: number): number {
  let characters = 0;
  let count = 0;
  while (from + count < rows.length && count < ROWS_SENT && characters < CHARACTERS_SENT)
    characters += JSON.stringify(rows[from + count++]).length;
  return count;
}
