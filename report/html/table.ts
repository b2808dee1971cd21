import type { Figure, Table } from "../data/types.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";

/** A table may be wider than the page: it scrolls by itself, also by keyboard. */
export const tableHtml = ({ caption, columns, rows }: Table): Html =>
  html`<div class="scroll" role="region" tabindex="0" aria-label="${caption}">
    <table>
      <caption>
        ${caption}
      </caption>
      <thead>
        <tr>
          ${columns.map(({ title, align }) => html`<th scope="col" class="${align}">${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ cells, marked }) =>
            html`<tr class="${marked ? "marked" : ""}">
              ${cells.map((text, at) => cell(text, at, columns[at]?.align ?? "left", marked === true))}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;

const DIGEST = /^[0-9a-f]{12,64}$/;

function cell(text: string, at: number, align: string, marked: boolean): Html {
  const shown = DIGEST.test(text) ? html`<code>${text}</code>` : html`${withMinus(text, align)}`;
  return at === 0
    ? html`<th scope="row" class="${align}">
        ${shown}${marked ? html` <span class="star">★</span>` : undefined}
      </th>`
    : html`<td class="${align}">${shown}</td>`;
}

/** Numbers have a minus sign, as the charts do. */
const withMinus = (text: string, align: string): string =>
  align === "right" ? text.replace(/(^|[ [])-(?=\d)/g, "$1\u2212") : text;

/** The numbers that a figure draws, for readers who cannot see it. */
export function numbersOf({ title, chart }: Figure): Table {
  if (chart.kind === "bars")
    return {
      caption: `${title}: ${chart.title}`,
      columns: ["", ...chart.parts].map((name, at) => ({ title: name, align: at === 0 ? "left" : "right" })),
      rows: chart.bars.map(({ name, values }) => ({ cells: [name, ...values.map(short)] })),
    };
  const rows = chart.series.flatMap(({ name, parts, marks }) =>
    parts.flatMap((part) =>
      (marks ? part : ends(part)).map(({ x, y, low, high }) => ({
        cells: [name, short(x), short(y), low === undefined ? "" : `${short(low)} to ${short(high ?? low)}`],
      })),
    ),
  );
  return {
    caption: title,
    columns: [
      { title: "series", align: "left" },
      ...[chart.x.title, chart.y.title, "interval"].map((name) => ({ title: name, align: "right" as const })),
    ],
    rows,
  };
}

/** First and last of a curve. */
const ends = <T>(part: readonly T[]): T[] => (part.length < 3 ? [...part] : [part[0]!, part.at(-1)!]);

const short = (value: number): string => String(Number(value.toPrecision(4)));
