// The style of a report: for screens in light and dark, and for paper.
const LIGHT = `
  --paper: #fff; --ink: #1a1a1a; --soft: #595959; --line: #d9d9d9; --tint: #f4f5f7;
  --c0: #0072b2; --c1: #c14b00; --c2: #007a59; --c3: #a03c84;`;
const DARK = `
  --paper: #15171a; --ink: #e8e8e6; --soft: #a9abae; --line: #3a3d42; --tint: #1f2226;
  --c0: #62b8ec; --c1: #f0955c; --c2: #3cc79b; --c3: #e394c8;`;

export const STYLE = `
:root { color-scheme: light dark; ${LIGHT} }
@media screen and (prefers-color-scheme: dark) { :root { ${DARK} } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 66rem; padding: 2.5rem 1.5rem 4rem; background: var(--paper);
  color: var(--ink);
  font: 1rem/1.55 Charter, "Bitstream Charter", "Iowan Old Style", Georgia, serif; overflow-wrap:
  break-word; }
h1, h2, h3 { line-height: 1.25; font-weight: 600; }
h1 { margin: 0 0 1rem; font-size: 2.1rem; overflow-wrap: anywhere; }
h2 { margin: 3rem 0 .6rem; padding-top: .6rem; border-top: 1px solid var(--line); font-size: 1.4rem; }
h3 { margin: 0 0 .3rem; font-size: 1rem; }
p { max-width: 46rem; margin: .5rem 0; }
a { color: var(--c0); }
.kind { margin: 0; color: var(--soft); text-transform: uppercase; letter-spacing: .08em; font-size: .8rem; }
.facts { display: flex; flex-wrap: wrap; gap: .4rem 2rem; margin: 0 0 1.2rem; }
.facts dt, figcaption, caption, .note, .legend, th, td, nav, footer, .kind, summary, svg text, dd, .notice
  { font-family: system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; }
.facts dt { color: var(--soft); font-size: .78rem; }
.facts dd { margin: 0; font-size: .92rem; overflow-wrap: anywhere; }
.notice { max-width: none; padding: .6rem .9rem; border-left: 4px solid var(--c1); background: var(--tint);
  font-size: .95rem; }
.finding { font-size: 1.08rem; }
nav { font-size: .88rem; }
nav ol { display: flex; flex-wrap: wrap; gap: .2rem 1.6rem; margin: 1.2rem 0 0; padding: 0;
  list-style-position: inside; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 25rem), 1fr));
  gap: 2rem 2.5rem;
  margin: 1.4rem 0 1.8rem; }
figure { margin: 0; min-width: 0; display: flex; flex-direction: column; }
figure svg { width: 100%; height: auto; display: block; }
figcaption { color: var(--soft); font-size: .82rem; line-height: 1.4; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1.2rem; margin: 0 0 .4rem; padding: 0; list-style: none;
  font-size: .82rem; }
.legend svg { width: 30px; height: 12px; display: inline-block; vertical-align: -1px; margin-right: .3rem; }
svg text { font-size: 12px; fill: var(--soft); font-variant-numeric: tabular-nums; }
svg .title { fill: var(--ink); }
.grid { stroke: var(--line); stroke-width: 1; }
.tick, .frame { stroke: var(--soft); stroke-width: 1; fill: none; }
.level path { stroke: var(--soft); stroke-dasharray: 2 3; fill: none; }
.level text, .series text { fill: var(--ink); font-size: 11px; stroke: var(--paper); stroke-width: 3px;
  paint-order: stroke; stroke-linejoin: round; }
.line { fill: none; stroke-width: 1.8; stroke-linejoin: round; stroke: currentColor; }
.interval { stroke: currentColor; stroke-width: 1.6; fill: none; }
.mark { fill: currentColor; stroke: var(--paper); stroke-width: 1; }
.s0 { color: var(--c0); } .s1 { color: var(--c1); } .s2 { color: var(--c2); } .s3 { color: var(--c3); }
.s1 .line { stroke-dasharray: 6 3; } .s2 .line { stroke-dasharray: 2 3; } .s3 .line {
  stroke-dasharray: 8 3 2 3; }
.bar { fill: currentColor; } .bar.s1 { stroke: var(--ink); stroke-width: .8; }
.scroll { overflow-x: auto; margin: 1.2rem 0; }
table { border-collapse: collapse; font-size: .84rem; line-height: 1.4; min-width: 50%; }
caption { text-align: left; padding-bottom: .4rem; color: var(--soft); font-size: .82rem; }
th, td { padding: .28rem .9rem .28rem 0; text-align: left; vertical-align: top;
  font-variant-numeric: tabular-nums; }
th[scope=row] { font-weight: 400; white-space: nowrap; }
thead th { border-bottom: 1px solid var(--ink); border-top: 1px solid var(--ink); font-weight: 600;
  vertical-align: bottom; }
tbody tr:last-child > * { border-bottom: 1px solid var(--ink); }
.right { text-align: right; white-space: nowrap; }
.marked > * { background: var(--tint); font-weight: 600; }
.marked > th[scope=row] { font-weight: 600; }
.star { color: var(--c1); }
code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .9em; overflow-wrap: anywhere; }
pre { overflow: auto; max-height: 30rem; padding: .8rem; background: var(--tint); font-size:
  .78rem; line-height: 1.4; }
details { margin: .5rem 0; font-size: .85rem; }
summary { cursor: pointer; color: var(--soft); width: fit-content; }
.sample { margin: 1.6rem 0; break-inside: avoid; }
.sample h3 { white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; }
.answers { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr));
  gap: .5rem 2rem; }
.answers > div { border-left: 3px solid var(--line); padding-left: .9rem; min-width: 0; }
.note { margin: 0; color: var(--soft); font-size: .8rem; }
.answer { margin: .1rem 0 0; white-space: pre-wrap; overflow-wrap: anywhere; unicode-bidi: isolate; }
footer { margin-top: 3rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .85rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
@media print {
  @page { margin: 16mm 14mm; }
  html { font-size: 9.5pt; }
  body { max-width: none; padding: 0; }
  h2 { break-after: avoid; margin-top: 1.6rem; }
  nav, figure details, details { display: none; }
  .figures { grid-template-columns: 1fr 1fr; gap: 1rem 1.6rem; }
  figure, tr { break-inside: avoid; }
  .scroll { overflow: visible; }
  table { font-size: 7.6pt; width: 100%; }
  th, td { padding-right: .5rem; }
  .right { white-space: normal; }
  code { font-size: .78em; }
}
`;
