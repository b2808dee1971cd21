// What a report says, as data: sections of text, figures and tables. `reportData` makes it from a campaign's
// record; `reportHtml` draws it. Every text in it may be anybody's.

export interface ReportData {
  title: string;
  /** Name of the campaign, state, when it ran. */
  facts: Fact[];
  /** Set while the campaign has not completed. */
  unfinished?: string;
  /** The findings, each in one sentence. */
  findings: string[];
  sections: Section[];
}

export interface Fact {
  name: string;
  value: string;
}

export interface Section {
  id: string;
  title: string;
  text: string[];
  figures: Figure[];
  tables: Table[];
  samples?: Sample[];
  /** Long text behind a button. */
  source?: { name: string; text: string };
}

export interface Figure {
  id: string;
  title: string;
  caption: string;
  chart: LineChart | BarChart;
}

export interface LineChart {
  kind: "lines";
  x: Axis;
  y: Axis;
  series: Series[];
  /** Values of y that mean something, such as a win rate of one half. */
  levels: { name: string; y: number }[];
}

export interface Axis {
  title: string;
  /** Ticks at whole numbers only. */
  whole?: boolean;
  /** Values that are shown in any case. */
  include?: number[];
}

export interface Series {
  name: string;
  /** Points of one part are joined by a line. */
  parts: Point[][];
  /** A mark at each point; for curves of many points there is none. */
  marks: boolean;
}

export interface Point {
  x: number;
  y: number;
  /** The interval of y. */
  low?: number;
  high?: number;
  label?: string;
}

export interface BarChart {
  kind: "bars";
  title: string;
  /** Names of the parts of a bar. */
  parts: string[];
  bars: { name: string; values: number[] }[];
}

export interface Table {
  caption: string;
  columns: { title: string; align: "left" | "right" }[];
  rows: Row[];
}

export interface Row {
  cells: string[];
  /** The row of the promoted policy. */
  marked?: boolean;
}

export interface Sample {
  prompt: string;
  answers: { name: string; text: string; note?: string }[];
}
