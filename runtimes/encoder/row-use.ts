// What training does with one row of a file.
import type { ModelConfig } from "../../engine/model/index.ts";
import type { Tokenizer } from "../../engine/tokenizer/tokenizer.ts";
import { useOfRow } from "../../engine/train/rows.ts";
import { readTrainRow } from "../onnx/rows.ts";
import type { Request, RowUse } from "./protocol.ts";

type Training = Extract<Request, { kind: "training" }>;

export function rowUse(
  { task, limit }: Training,
  { file, line, text }: Training["rows"][number],
  tokenizer: Tokenizer,
  { vocabSize }: ModelConfig,
): RowUse {
  const use: RowUse = { used: 0, cut: 0, dropped: {} };
  const place = { path: file, line };
  for (const row of readTrainRow(JSON.parse(text), place, task, tokenizer, vocabSize).rows) {
    const found = useOfRow(row, limit);
    if ("dropped" in found) use.dropped[found.dropped] = (use.dropped[found.dropped] ?? 0) + 1;
    else {
      use.used++;
      if (found.cut) use.cut++;
    }
  }
  return use;
}
