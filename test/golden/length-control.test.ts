// Compares the regression of the length-controlled win rate with PyTorch's minimum of the same loss
// (length-control/make.py wrote the numbers), on all verdicts and on one resample of prompts.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { fit, regressionOf, RIDGE } from "../../campaign/recipe/length-control.ts";

interface Golden {
  ridge: number;
  cases: Record<
    string,
    {
      /**
       * Prompt, P(the candidate's answer is better), tokens of the candidate's answer and of the incumbent's.
       */
      verdicts: [string, number, number, number][];
      whole: [number, number];
      /** How often the resample draws each prompt, in the order of their ids. */
      drawn: number[];
      resample: [number, number];
    }
  >;
}

const path = new URL("../../../test/golden/length-control/length-control.json", import.meta.url);
const { ridge, cases } = JSON.parse(await readFile(fileURLToPath(path), "utf8")) as Golden;

for (const [name, { verdicts, whole, drawn, resample }] of Object.entries(cases))
  it(`both coefficients agree with PyTorch's to 1e-6: ${name}`, () => {
    assert.equal(ridge, RIDGE);
    const data = regressionOf(
      verdicts.map(([promptId, probability, candidateTokens, incumbentTokens]) => ({
        promptId,
        probability,
        candidateTokens,
        incumbentTokens,
      })),
    );
    const all = new Uint32Array(drawn.length).fill(1);
    const fitted = [fit(data, all), fit(data, Uint32Array.from(drawn), fit(data, all))];
    for (const [found, wanted] of [
      [fitted[0]!, whole],
      [fitted[1]!, resample],
    ] as const)
      for (const at of [0, 1] as const)
        assert.ok(Math.abs(found[at] - wanted[at]) < 1e-6, `${found} and ${wanted}`);
  });
