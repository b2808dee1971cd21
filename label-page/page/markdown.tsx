// Markdown of others as nodes. No text becomes HTML: a tag is shown as its text. A link is shown with its
// address and leads nowhere, and a picture is not loaded, because a model may have written any address.
import { lexer } from "marked";
import type { MarkedToken, Token, Tokens } from "marked";
import type { ComponentChildren, JSX } from "preact";
import { visibleText } from "../../errors/visible-text.ts";

/**
 * A longer text, or one that is nested deeper, is shown as it is written. The parser needs quadratic time for
 * some texts: 0.6 s for the slowest known one of this length, 6 s for 100,000 characters.
 */
const PARSED_MAX = 30_000;
const DEPTH_MAX = 12;

export function Markdown({ text }: { text: string }): JSX.Element {
  const nodes = nodesOf(text.replaceAll("\r\n", "\n"));
  return (
    <div class="markdown" dir="auto">
      {nodes ?? <pre class="plain">{visibleText(text)}</pre>}
    </div>
  );
}

/** Undefined if the text is too long or too deep. */
function nodesOf(text: string): ComponentChildren | undefined {
  if (text.length > PARSED_MAX || nestsTooDeep(text)) return undefined;
  try {
    return all(lexer(text));
  } catch {
    return undefined;
  }
}

/** Quotes and brackets at the start of a line, or in a row, are what a parser recurses and backtracks on. */
function nestsTooDeep(text: string): boolean {
  const quotes = new RegExp(`^[ \\t]*(?:(?:>|[-*+]|\\d+[.)])[ \\t]*){${DEPTH_MAX + 1},}`, "m");
  const runs = new RegExp(`(?:[\\[(!*_~<][ \\t]*){${DEPTH_MAX * 4},}`);
  return quotes.test(text) || runs.test(text);
}

const all = (tokens: readonly Token[] | undefined): ComponentChildren =>
  tokens?.map((token) => nodeOf(token as MarkedToken));

function nodeOf(token: MarkedToken): ComponentChildren {
  switch (token.type) {
    case "heading":
      return heading(token);
    case "paragraph":
      return <p>{all(token.tokens)}</p>;
    case "blockquote":
      return <blockquote>{all(token.tokens)}</blockquote>;
    case "list":
      return list(token);
    case "table":
      return table(token);
    case "code":
      return (
        <pre>
          <code>{visibleText(token.text)}</code>
        </pre>
      );
    case "hr":
      return <hr />;
    case "space":
      return null;
    default:
      return inline(token);
  }
}

function inline(token: MarkedToken): ComponentChildren {
  switch (token.type) {
    case "strong":
      return <strong>{all(token.tokens)}</strong>;
    case "em":
      return <em>{all(token.tokens)}</em>;
    case "del":
      return <del>{all(token.tokens)}</del>;
    case "codespan":
      return <code>{visibleText(token.text)}</code>;
    case "br":
      return <br />;
    case "link":
      return link(token);
    case "image":
      return visibleText(`[picture: ${token.text} (${token.href})]`);
    case "text":
      return token.tokens ? all(token.tokens) : visibleText(token.text);
    case "escape":
      return visibleText(token.text);
    default:
      return visibleText(token.raw);
  }
}

/** The page's own headings are of level 1 and 2. */
function heading({ depth, tokens }: Tokens.Heading): JSX.Element {
  const Tag = `h${Math.min(depth + 2, 6)}` as "h3";
  return <Tag>{all(tokens)}</Tag>;
}

function link({ href, text, tokens }: Tokens.Link): ComponentChildren {
  return href === text ? visibleText(href) : [all(tokens), visibleText(` (${href})`)];
}

function list({ ordered, start, items }: Tokens.List): JSX.Element {
  const rows = items.map(({ tokens }) => <li>{all(tokens)}</li>);
  return ordered ? <ol start={typeof start === "number" ? start : 1}>{rows}</ol> : <ul>{rows}</ul>;
}

function table({ header, rows }: Tokens.Table): JSX.Element {
  return (
    <table>
      <thead>
        <tr>
          {header.map(({ tokens }) => (
            <th>{all(tokens)}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr>
            {row.map(({ tokens }) => (
              <td>{all(tokens)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
