// What transformers' Jinja renders of small templates, one per construct and edge, and of TRL's published
// templates (make.py wrote it), against engine/jinja.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { it } from "node:test";
import { fileURLToPath } from "node:url";
import { CONSTRUCTS, outcomeOf, PUBLISHED, renderPublished, tableOf } from "./jinja.ts";

/** How many are refused by name (docs/parity.md). */
const REFUSED: Record<string, number> = {
  printing: 1,
  arithmetic: 8,
  access: 2,
  filters: 5,
  "list filters": 1,
  "other filters": 5,
  "str methods": 2,
  tests: 6,
  other: 7,
};

for (const [name, templates] of Object.entries(CONSTRUCTS.groups)) {
  it(`${name}: ${templates.length} small templates render, or raise, as in Jinja2`, () => {
    const wrong = templates.flatMap((one) => {
      const { outcome, got } = outcomeOf(one);
      return outcome === "differs" ? [{ template: one[0], python: one[1], got }] : [];
    });
    assert.deepEqual(wrong, []);
    const refused = templates.filter((one) => outcomeOf(one).outcome === "refused").length;
    assert.equal(refused, REFUSED[name] ?? 0, "refused by name");
  });
}

for (const [name, { template, rendered }] of Object.entries(PUBLISHED.templates)) {
  it(`TRL's ${name}: ${rendered.length} conversations, with and without the generation prompt`, () => {
    const got = renderPublished(template);
    Object.keys(PUBLISHED.talks).forEach((talk, i) => assert.deepEqual(got[i], rendered[i], talk));
  });
}

it("docs/parity.md has the table of these counts", async () => {
  const page = await readFile(fileURLToPath(new URL("../../../../docs/parity.md", import.meta.url)), "utf8");
  assert.ok(page.includes(tableOf()), `write into docs/parity.md:\n${tableOf()}`);
});
