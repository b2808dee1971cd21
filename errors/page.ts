// docs/errors.md from the table of codes: the lines between its markers.
//
//   node dist/errors/page.js        writes the page
import { readFileSync, realpathSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { CODES, KINDS, retryOf } from "./codes.ts";
import type { Code, Kind, Retry } from "./codes.ts";

/** From dist/errors to the committed page. */
export const PAGE = fileURLToPath(new URL("../../docs/errors.md", import.meta.url));

const BEGIN = "<!-- codes: written by `node dist/errors/page.js` from errors/codes.ts -->";
const END = "<!-- end of codes -->";

const RETRIES: Record<Retry, string> = { never: "no", counted: "yes, counted", forever: "yes, forever" };

/** Codes in the order of the alphabet, so that a reader finds one. */
function tableOf(kind: Kind): string {
  const codes = (Object.keys(CODES) as Code[]).filter((code) => CODES[code].kind === kind).sort();
  const rows = codes.map((code) => `| \`${code}\` | ${RETRIES[retryOf(code)]} | ${CODES[code].means} |`);
  const { who, exit } = KINDS[kind];
  return [
    `## ${kind}`,
    "",
    `Who acts: ${who}. Exit code ${exit}.`,
    "",
    "| code | retried in an activity | means |",
    "| --- | --- | --- |",
    ...rows,
  ].join("\n");
}

/** The page with its tables written again; throws if it lost a marker. */
export function withCodes(page: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`docs/errors.md lacks ${BEGIN} or ${END}`);
  const tables = (Object.keys(KINDS) as Kind[]).map(tableOf).join("\n\n");
  return `${before}${BEGIN}\n\n${tables}\n\n${END}${after}`;
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  writeFileSync(PAGE, withCodes(readFileSync(PAGE, "utf8")));
