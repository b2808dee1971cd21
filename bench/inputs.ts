// The files and texts of a row's work: a pure function of the row's settings, and the same for every runner.
import { mkdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Random } from "../examples/shop/random.ts";
import { readConfig, Tokenizer } from "../engine/index.ts";
import { Models, shapes } from "./sizes.ts";
import type { Size } from "./sizes.ts";
import { denseIds, pairTexts, promptTexts, sftTexts } from "./texts.ts";
import { BOS, characters, firstCharacter } from "./tokenizer.ts";
import type { ScoreRow } from "./work.ts";

/** Prompt length of a dense row, in tokens. */
const DENSE_PROMPT = 16;

export class Inputs {
  readonly models: Models;
  private readonly dir: string;

  constructor(dir: string, checkpoint?: string) {
    this.dir = dir;
    this.models = new Models(join(dir, "models"), checkpoint);
    mkdirSync(join(dir, "models"), { recursive: true });
    mkdirSync(join(dir, "rows"), { recursive: true });
  }

  /** Path of a folder for a runner's output; the folder does not exist yet. */
  scratch(name: string): string {
    return join(this.dir, "scratch", name);
  }

  /** Pairs of answers of one length that share their prompt. */
  densePairs(size: Size, length: number, pairs: number): Promise<string> {
    const ids = denseIds(
      `${size} ${length}`,
      3 * pairs,
      length,
      firstCharacter,
      Math.min(shapes[size].vocab_size, 4096) - firstCharacter,
    );
    const rows = Array.from({ length: pairs }, (_, pair) => {
      const [prompt, chosen, rejected] = ids.slice(3 * pair, 3 * pair + 3) as [number[], number[], number[]];
      const head = [BOS, ...prompt.slice(1, DENSE_PROMPT)];
      return {
        chosen: [...head, ...chosen.slice(DENSE_PROMPT)],
        rejected: [...head, ...rejected.slice(DENSE_PROMPT)],
        promptLength: DENSE_PROMPT,
      };
    });
    return this.write(`dense-${size}-${length}-${pairs}`, rows);
  }

  /** Rows in TRL's columns. */
  texts(task: "dpo" | "reward" | "sft", what: string, count: number): Promise<string> {
    return this.write(
      `${task}-${what}-${count}`,
      task === "sft" ? sftTexts(what, count) : pairTexts(what, count),
    );
  }

  promptTexts(what: string, count: number): string[] {
    return promptTexts(what, count);
  }

  /** Prompts of `length` characters each. */
  fixedPrompts(count: number, length: number): string[] {
    const random = new Random("bench fixed prompts");
    const letters = "abcdefghijklmnopqrstuvwxyz";
    return Array.from({ length: count }, () =>
      Array.from({ length }, () => random.pick([...letters])).join(""),
    );
  }

  /** The BOS and random characters. */
  probe(length: number): number[] {
    return [BOS, ...denseIds("probe", 1, length - 1, firstCharacter, characters)[0]!];
  }

  /** Answers with their ids, `samples` per prompt. */
  async scoreRows(count: number, samples: number): Promise<string> {
    const dir = await this.models.folder("0.9M", "reward");
    const tokenizer = await Tokenizer.load(dir, await readConfig(dir));
    const prompts = promptTexts("score", Math.ceil(count / samples));
    const answers = sftTexts("score", count);
    const rows = answers.map(({ completion }, row): ScoreRow => {
      const prompt = prompts[Math.floor(row / samples)]!;
      const prompt_ids = tokenizer.encodePrompt({ prompt });
      return { prompt, prompt_ids, ids: tokenizer.encodeAnswer({ prompt }, completion, prompt_ids).ids };
    });
    return this.write(`score-${count}`, rows);
  }

  private async write(name: string, rows: object[]): Promise<string> {
    const path = join(this.dir, "rows", `${name}.jsonl`);
    await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    return path;
  }
}
