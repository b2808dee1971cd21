// The plane of a chart: scales, grid, ticks and titles. Lengths are in units of the viewBox.
import { scaleLinear } from "d3-scale";
import type { ScaleLinear } from "d3-scale";
import type { Axis, LineChart, Point } from "../data/types.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";

export const SIZE = { width: 440, height: 270 };
const MARGIN = { left: 50, right: 16, top: 28, bottom: 42 };
const TICKS = 5;
/** Longer numbers would touch each other. */
const LONG_TICK = 6;

export type Scale = ScaleLinear<number, number>;

export interface Plane {
  x: Scale;
  y: Scale;
}

export function planeOf({ x, y, series, levels: lines }: LineChart): Plane {
  const points = series.flatMap(({ parts }) => parts.flat());
  const ys = points.flatMap((point) => [point.y, point.low ?? point.y, point.high ?? point.y]);
  const [left, right] = spanOf([...points.map((point) => point.x), ...(x.include ?? [])]);
  // So that no mark touches the frame.
  const space = (right - left) * 0.03;
  return {
    x: scaleLinear([left - space, right + space], [MARGIN.left, SIZE.width - MARGIN.right]),
    y: scaleLinear(spanOf([...ys, ...lines.map((level) => level.y), ...(y.include ?? [])]), [
      SIZE.height - MARGIN.bottom,
      MARGIN.top,
    ]).nice(TICKS),
  };
}

/** Never empty, so that equal values lie in the middle. */
function spanOf(values: readonly number[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (low > high) return [0, 1];
  const size = Math.max(Math.abs(low), Math.abs(high));
  if (high - low > size * 1e-9 && size > 1e-9) return [low, high];
  const space = size > 1e-9 ? size * 0.1 : 1;
  return [low - space, high + space];
}

export function ticksOf(axis: Axis, found: Scale): { at: number; text: string }[] {
  if (axis.whole)
    return found
      .ticks(8)
      .filter(Number.isInteger)
      .map((tick) => ({ at: found(tick), text: String(tick) }));
  const ticks = (count: number): { at: number; text: string }[] => {
    const format = found.tickFormat(count);
    return found.ticks(count).map((tick) => ({ at: found(tick), text: format(tick) }));
  };
  const usual = ticks(TICKS);
  return usual.some(({ text }) => text.length > LONG_TICK) ? ticks(2) : usual;
}

export function axes(chart: LineChart, { x, y }: Plane): Html {
  const [left, right] = [MARGIN.left, SIZE.width - MARGIN.right];
  const bottom = SIZE.height - MARGIN.bottom;
  return html`<g class="axes">
    ${ticksOf(chart.y, y).map(
      ({ at, text }) =>
        html`<path class="grid" d="M${left},${digits(at)}H${right}" />
          <text x="${left - 7}" y="${digits(at + 4)}" text-anchor="end">${text}</text>`,
    )}
    ${ticksOf(chart.x, x).map(
      ({ at, text }) =>
        html`<path class="tick" d="M${digits(at)},${bottom}v5" />
          <text x="${digits(at)}" y="${bottom + 18}" text-anchor="middle">${text}</text>`,
    )}
    <path class="frame" d="M${left},${bottom}H${right}" />
    <text class="title" x="0" y="13">${chart.y.title}</text>
    <text class="title" x="${right}" y="${SIZE.height - 4}" text-anchor="end">${chart.x.title}</text>
  </g>`;
}

/** Names of neighbours stand apart: under the first line, then above at the right and left in turn. */
export const levels = (chart: LineChart, { y }: Plane): Html[] =>
  chart.levels.map((level, index) => {
    const at = y(level.y);
    const isLeft = index > 0 && index % 2 === 0;
    return html`<g class="level">
      <path d="M${MARGIN.left},${digits(at)}H${SIZE.width - MARGIN.right}" />
      <text
        x="${isLeft ? MARGIN.left + 4 : SIZE.width - MARGIN.right}"
        y="${digits(index === 0 ? at + 12 : at - 5)}"
        text-anchor="${isLeft ? "start" : "end"}"
      >
        ${level.name}
      </text>
    </g>`;
  });

export const digits = (value: number): string => String(Math.round(value * 10) / 10);

/** The label of a point goes to the left of it at the right edge. */
export const labelAnchor = (point: Point, { x }: Plane): "start" | "end" =>
  x(point.x) > SIZE.width - 40 ? "end" : "start";
