// Horizontal bars of parts, one after the other.
import { scaleBand, scaleLinear } from "d3-scale";
import type { BarChart } from "../data/types.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { digits, SIZE } from "./plot.ts";
import type { Scale } from "./plot.ts";

const LEFT = 78;
const RIGHT = 16;
const ROW = 21;
const BOTTOM = 42;
const TICKS = 5;

export function barChart(chart: BarChart, titleId: string, title: string): Html {
  const height = chart.bars.length * ROW;
  const longest = Math.max(...chart.bars.map(({ values }) => values.reduce((sum, value) => sum + value, 0)));
  const x = scaleLinear([0, longest || 1], [LEFT, SIZE.width - RIGHT]).nice(TICKS);
  const y = scaleBand(
    chart.bars.map(({ name }) => name),
    [0, height],
  ).padding(0.25);
  return html`<svg viewBox="0 0 ${SIZE.width} ${height + BOTTOM}" role="img" aria-labelledby="${titleId}">
    <title id="${titleId}">${title}</title>
    ${axis(chart, x, height)} ${chart.bars.map((bar) => barOf(bar, x, y(bar.name) ?? 0, y.bandwidth()))}
  </svg>`;
}

function axis({ title }: BarChart, x: Scale, height: number): Html {
  const format = x.tickFormat(TICKS);
  return html`<g class="axes">
    ${x
      .ticks(TICKS)
      .map(
        (tick) =>
          html`<path class="grid" d="M${digits(x(tick))},0V${height}" />
            <text x="${digits(x(tick))}" y="${height + 17}" text-anchor="middle">${format(tick)}</text>`,
      )}
    <text class="title" x="${SIZE.width - RIGHT}" y="${height + BOTTOM - 5}" text-anchor="end">${title}</text>
  </g>`;
}

function barOf({ name, values }: BarChart["bars"][number], x: Scale, top: number, thick: number): Html {
  let start = 0;
  const parts = values.map((value, part) => {
    const [from, to] = [x(start), x((start += value))];
    return html`<rect
      class="bar s${part}"
      x="${digits(from)}"
      y="${digits(top)}"
      width="${digits(to - from)}"
      height="${digits(thick)}"
    />`;
  });
  return html`<text x="${LEFT - 7}" y="${digits(top + thick / 2 + 4)}" text-anchor="end">${name}</text
    >${parts}`;
}

export const barLegend = ({ parts }: BarChart): Html =>
  html`<ul class="legend">
    ${parts.map(
      (name, part) =>
        html`<li>
          <svg viewBox="0 0 30 12" aria-hidden="true">
            <rect class="bar s${part}" width="30" height="12" />
          </svg>
          ${name}
        </li>`,
    )}
  </ul>`;
