// A report as one page that needs nothing else: no script, no network, no font. Its policy forbids them too,
// because the answers in it may be anybody's.
import { createHash } from "node:crypto";
import type { Figure, ReportData, Sample, Section } from "../data/types.ts";
import { barChart, barLegend } from "./bar-chart.ts";
import { html, Html } from "./html.ts";
import { legend, lineChart } from "./line-chart.ts";
import { STYLE } from "./style.ts";
import { numbersOf, tableHtml } from "./table.ts";

/** The first line of each report. `ratchet report` overwrites no file that begins otherwise. */
export const FIRST_LINE = "<!doctype html><!-- ratchet report -->";

const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

export const reportHtml = (data: ReportData): string => `${FIRST_LINE}\n${document(data).source}\n`;

const document = ({ title, facts, unfinished, findings, sections }: ReportData): Html =>
  html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta http-equiv="Content-Security-Policy" content="${new Html(POLICY)}" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="referrer" content="no-referrer" />
      <title>${title}: campaign report</title>
      <style>
        ${new Html(STYLE)}
      </style>
    </head>
    <body>
      <header>
        <p class="kind">Campaign report</p>
        <h1>${title}</h1>
        <dl class="facts">
          ${facts.map(
            ({ name, value }) =>
              html`<div>
                <dt>${name}</dt>
                <dd>${value}</dd>
              </div>`,
          )}
        </dl>
        ${unfinished === undefined ? undefined : html`<p class="notice">${unfinished}</p>`}
        ${findings.map((text) => html`<p class="finding">${text}</p>`)}
        <nav aria-label="Sections">
          <ol>
            ${sections.map(({ id, title: name }) => html`<li><a href="#${id}">${name}</a></li>`)}
          </ol>
        </nav>
      </header>
      <main>${sections.map(sectionHtml)}</main>
      <footer>
        <p>Made by <code>ratchet report</code> from the campaign's record alone.</p>
      </footer>
    </body>
  </html>`;

const sectionHtml = ({ id, title, text, figures, tables, samples = [], source }: Section): Html =>
  html`<section id="${id}" aria-labelledby="${id}-title">
    <h2 id="${id}-title">${title}</h2>
    ${text.map((paragraph) => html`<p>${paragraph}</p>`)}
    ${figures.length === 0 ? undefined : html`<div class="figures">${figures.map(figureHtml)}</div>`}
    ${tables.map(tableHtml)} ${samples.map(sampleHtml)}
    ${
      source &&
      html`<details>
        <summary>${source.name}</summary>
        <pre tabindex="0">${source.text}</pre>
      </details>`
    }
  </section>`;

function figureHtml(figure: Figure): Html {
  const { id, title, caption, chart } = figure;
  return html`<figure id="${id}">
    <h3>${title}</h3>
    ${chart.kind === "lines" ? legend(chart) : barLegend(chart)}
    ${chart.kind === "lines" ? lineChart(chart, `${id}-t`, title) : barChart(chart, `${id}-t`, title)}
    <figcaption>${caption}</figcaption>
    <details>
      <summary>Numbers<span class="hidden"> of ${title}</span></summary>
      ${tableHtml(numbersOf(figure))}
    </details>
  </figure>`;
}

const sampleHtml = ({ prompt, answers }: Sample): Html =>
  html`<article class="sample">
    <h3 dir="auto">${prompt}</h3>
    <div class="answers">
      ${answers.map(
        ({ name, text, note }) =>
          html`<div>
            <p class="note">${name}${note ? `, ${note}` : ""}</p>
            <p class="answer" dir="auto">${text}</p>
          </div>`,
      )}
    </div>
  </article>`;
