// Lines, marks and intervals. Series differ by color, shape and dashes, so that no reader needs the color.
import { line, symbol, symbolCircle, symbolDiamond, symbolSquare, symbolTriangle } from "d3-shape";
import type { LineChart, Point, Series } from "../data/types.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";
import { axes, digits, labelAnchor, levels, planeOf, SIZE } from "./plot.ts";
import type { Plane } from "./plot.ts";

const SHAPES = [symbolCircle, symbolSquare, symbolTriangle, symbolDiamond];
const MARK_AREA = 46;
/** Series with intervals are drawn side by side, or the intervals would cover each other. */
const ASIDE = 5;

/** The class of a series: its color and dashes are in style.ts. */
const lookOf = (index: number): string => `s${index % SHAPES.length}`;
const markOf = (index: number): string => symbol(SHAPES[index % SHAPES.length], MARK_AREA)() ?? "";

export function lineChart(chart: LineChart, titleId: string, title: string): Html {
  const plane = planeOf(chart);
  const aside = chart.series.some(({ parts }) => parts.flat().some(({ low }) => low !== undefined));
  const middle = (chart.series.length - 1) / 2;
  return html`<svg viewBox="0 0 ${SIZE.width} ${SIZE.height}" role="img" aria-labelledby="${titleId}">
    <title id="${titleId}">${title}</title>
    ${axes(chart, plane)}
    ${chart.series.map(
      (series, index) =>
        html`<g
          class="series ${lookOf(index)}"
          transform="translate(${aside ? digits((index - middle) * ASIDE * 2) : "0"},0)"
        >
          ${drawn(series, index, plane)}
        </g>`,
    )}
    ${levels(chart, plane)}
  </svg>`;
}

function drawn({ parts, marks }: Series, index: number, plane: Plane): Html[] {
  const path = line<Point>(
    ({ x }) => plane.x(x),
    ({ y }) => plane.y(y),
  ).digits(1);
  return [
    ...parts.map((part) => html`<path class="line" d="${path(part) ?? ""}" />`),
    ...(marks ? parts.flat().map((point) => mark(point, index, plane)) : []),
  ];
}

function mark(point: Point, index: number, plane: Plane): Html {
  const [x, y] = [digits(plane.x(point.x)), digits(plane.y(point.y))];
  const interval =
    point.low === undefined || point.high === undefined
      ? undefined
      : html`<path
          class="interval"
          d="M${x},${digits(plane.y(point.low))}V${digits(plane.y(point.high))}"
        />`;
  const anchor = labelAnchor(point, plane);
  const label =
    point.label &&
    html`<text
      x="${x}"
      dx="${anchor === "end" ? -7 : 7}"
      y="${digits(plane.y(point.y) - 7)}"
      text-anchor="${anchor}"
    >
      ${point.label}
    </text>`;
  return html`${interval}<path class="mark" transform="translate(${x},${y})" d="${markOf(index)}" />${label}`;
}

/** One entry for each series; none for one series, which the axis names. */
export function legend({ series }: LineChart): Html | undefined {
  if (series.length < 2) return undefined;
  const centered = (index: number): Html =>
    html`<path class="mark" transform="translate(15,6)" d="${markOf(index)}" />`;
  return html`<ul class="legend">
    ${series.map(
      ({ name, marks }, index) =>
        html`<li>
          <svg class="series ${lookOf(index)}" viewBox="0 0 30 12" aria-hidden="true">
            <path class="line" d="M0,6H30" />
            ${marks ? centered(index) : undefined}
          </svg>
          ${name}
        </li>`,
    )}
  </ul>`;
}
