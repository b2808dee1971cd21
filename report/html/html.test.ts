import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { it } from "node:test";
import fc from "fast-check";
import { anyText } from "../../test/support/any-text.ts";
import { reportRecord } from "../../test/support/report-record.ts";
import { reportData } from "../data/index.ts";
import type { LineChart } from "../data/types.ts";
import { html } from "./html.ts";
import { lineChart } from "./line-chart.ts";
import { reportHtml } from "./page.ts";

const UNSAFE = /[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\p{Cs}]/u;
const ATTACKS = [
  "<script>alert(1)</script>",
  "</style><style>body{display:none}",
  `" onmouseover="alert(1)`,
  "' autofocus onfocus=alert(1) '",
  "--><img src=x onerror=alert(1)>",
  "]]>",
  "&lt;b&gt;",
  "${html}",
  "\u202eevil\u2066",
  "\u001b[2J",
  "\u2028",
];
const hostile = fc.array(fc.oneof(fc.constantFrom(...ATTACKS), anyText)).map((parts) => parts.join(""));

/** The text that a browser shows for escaped HTML without tags. */
const shown = (source: string): string =>
  source.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));

it("keeps any text as text, in content and in attributes", () => {
  fc.assert(
    fc.property(hostile, (text) => {
      const { source } = html`<p title="${text}">${text}</p>`;
      const [, attribute = "", content = ""] = /^<p title="([^"]*)">([^<]*)<\/p>$/s.exec(source) ?? [];
      assert.ok(source.length > 0 && attribute === content, source);
      assert.doesNotMatch(content, /[<>"'\p{Bidi_Control}]/u);
      assert.ok(!UNSAFE.test(content.replaceAll(/[\n\t]/g, "")));
      if (!UNSAFE.test(text.replaceAll(/[\n\t]/g, ""))) assert.equal(shown(content), text);
    }),
    { numRuns: 500 },
  );
});

it("a report with hostile text everywhere has the elements of one without", () => {
  const tagsOf = (page: string): string[] => page.match(/<[a-z/!][^\s>]*/g) ?? [];
  const plain = tagsOf(reportHtml(reportData(reportRecord())));
  fc.assert(
    fc.property(hostile, (text) => {
      const page = reportHtml(reportData(reportRecord(`x${text}`)));
      assert.deepEqual(tagsOf(page), plain);
      assert.ok(!UNSAFE.test(page.replaceAll(/[\n\t]/g, "")));
    }),
    { numRuns: 100 },
  );
});

it("is a pure function of its record", () => {
  const page = reportHtml(reportData(reportRecord()));
  assert.equal(page, reportHtml(reportData(reportRecord())));
  assert.doesNotMatch(
    page,
    /<script|\bon\w+=|https?:\/\/(?!www\.w3\.org)|javascript:|NaN|undefined|\[object/,
  );
});

it("its policy allows its own style and nothing else", () => {
  const page = reportHtml(reportData(reportRecord()));
  const [, style = ""] = /<style>([\s\S]*?)<\/style>/.exec(page) ?? [];
  const hash = createHash("sha256").update(style).digest("base64");
  assert.ok(page.includes(`content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none';`));
  assert.doesNotMatch(page, /\sstyle=/, "no style of an element");
});

it("draws any numbers within the frame", () => {
  const number = fc.double({ min: -1e9, max: 1e9, noNaN: true });
  const points = fc.array(fc.record({ x: number, y: number }), { maxLength: 5 });
  fc.assert(
    fc.property(points, (part) => {
      const chart: LineChart = {
        kind: "lines",
        x: { title: "x" },
        y: { title: "y" },
        series: [{ name: "s", marks: true, parts: [part] }],
        levels: [],
      };
      const { source } = lineChart(chart, "t", "title");
      assert.doesNotMatch(source, /NaN|Infinity|undefined/);
      for (const [, x, y] of source.matchAll(/translate\((-?[\d.e+-]+),(-?[\d.e+-]+)\)" d/g)) {
        assert.ok(Number(x) >= 0 && Number(x) <= 440, x);
        assert.ok(Number(y) >= 0 && Number(y) <= 270, y);
      }
    }),
    { numRuns: 300 },
  );
});
