// The worker's log: stderr, which is a terminal or a file that somebody prints on one. Messages may quote
// prompts, answers and modules.
import { visibleBlock } from "../errors/index.ts";

export const log = (text: string): void => void process.stderr.write(`${visibleBlock(text)}\n`);
