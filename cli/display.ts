// Prints a campaign's progress on stderr. On a terminal, the running stages are redrawn below the log;
// elsewhere they are printed as plain lines every 10 s.
import type { WatchedStage } from "../client/follow/watch.ts";
import { visibleLine } from "../errors/index.ts";
import { paint, width } from "../report/columns.ts";
import type { Look } from "../report/columns.ts";
import { stageLine } from "./progress.ts";

export interface Display {
  /** Prints a line of the log. */
  say(line: string): void;
  stages(stages: readonly WatchedStage[]): void;
  /** Erases the running stages. */
  end(): void;
}

interface Stream {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

export const openDisplay = (stream: Stream, look: Look): Display =>
  stream.isTTY && process.env["TERM"] !== "dumb" ? liveDisplay(stream, look) : plainDisplay(stream);

function liveDisplay(stream: Stream, look: Look): Display {
  let drawn: string[] = [];
  const erase = (): string => (drawn.length === 0 ? "" : `\u001b[${drawn.length}A\u001b[J`);
  const draw = (log: string, lines: string[]): void => {
    // One write, so that the terminal does not flicker.
    stream.write(`${erase()}${log}${lines.map((line) => `${line}\n`).join("")}`);
    drawn = lines;
  };
  return {
    say: (line) => draw(`${visibleLine(line)}\n`, drawn),
    stages: (stages) =>
      draw(
        "",
        stages.map((stage) =>
          paint(cut(visibleLine(stageLine(stage, { bar: true })), (stream.columns || 80) - 1), "dim", look),
        ),
      ),
    end: () => draw("", []),
  };
}

/** Time between two lines about one stage. */
const EVERY_MS = 10_000;

function plainDisplay(stream: Stream): Display {
  const printedAtMs = new Map<string, number>();
  const say = (line: string): void => void stream.write(`${visibleLine(line)}\n`);
  return {
    say,
    stages(stages) {
      const now = Date.now();
      for (const stage of stages) {
        const key = `${stage.place}/${stage.stage}`;
        if (now - (printedAtMs.get(key) ?? 0) < EVERY_MS) continue;
        printedAtMs.set(key, now);
        say(stageLine(stage, { bar: false }));
      }
    },
    end: () => undefined,
  };
}

/** A wrapped line would take two rows, and erasing counts one. */
const cut = (line: string, columns: number): string =>
  width(line) > columns ? `${[...line].slice(0, Math.max(0, columns - 1)).join("")}…` : line;
