// Finds spreads of a conditional object in the text of a file, over one or several lines: `...(x ? { … } :
// {})`, `...(x ? {} : { … })` and `...(x && { … })`.

/** @typedef {{ line: number, code: string }} Place code: the spread on one line */

/** @param {string} text @returns {Place[]} */
export function conditionalSpreads(text) {
  const places = [];
  for (let at = text.indexOf("...("); at >= 0; at = text.indexOf("...(", at + 1)) {
    const open = at + "...".length;
    const close = closingBracket(text, open);
    if (isConditional(text.slice(open + 1, close)))
      places.push({
        line: text.slice(0, at).split("\n").length,
        code: text.slice(at, close + 1).replace(/\s+/g, " "),
      });
  }
  return places;
}

/** @param {string} expression */
function isConditional(expression) {
  const [condition, otherwise] = topLevel(expression, /^\?(?![.?])/);
  if (otherwise === undefined) return topLevel(expression, /^&&/)[1]?.startsWith("{") === true;
  if (condition === "") return false;
  const [yes = "", no = ""] = topLevel(otherwise, /^:/);
  return (yes === "{}" && no.startsWith("{")) || (no === "{}" && yes.startsWith("{"));
}

/**
 * Splits at the first operator outside brackets and strings.
 * @param {string} expression @param {RegExp} operator matches at the start of the rest
 * @returns {string[]} one part if there is none
 */
function topLevel(expression, operator) {
  for (let at = 0; at < expression.length; at = next(expression, at)) {
    if (expression.startsWith("??", at)) at += 1;
    else {
      const found = operator.exec(expression.slice(at, at + 3));
      if (found) return [expression.slice(0, at).trim(), expression.slice(at + found[0].length).trim()];
    }
  }
  return [expression.trim()];
}

/** @param {string} text @param {number} open index of a bracket @returns {number} */
function closingBracket(text, open) {
  let at = open + 1;
  while (at < text.length && !")]}".includes(text[at] ?? "")) at = next(text, at);
  return at;
}

/**
 * Index after the character, string, comment or bracketed part at `at`.
 * @param {string} text @param {number} at
 */
function next(text, at) {
  const char = text[at] ?? "";
  if ("([{".includes(char)) return closingBracket(text, at) + 1;
  if (`"'\``.includes(char)) return endOfString(text, at, char);
  if (text.startsWith("//", at)) return endOf(text, "\n", at);
  if (text.startsWith("/*", at)) return endOf(text, "*/", at);
  return at + 1;
}

/** @param {string} text @param {number} at @param {string} quote */
function endOfString(text, at, quote) {
  at += 1;
  while (at < text.length && text[at] !== quote) {
    if (text[at] === "\\") at += 2;
    else if (quote === "`" && text.startsWith("${", at)) at = closingBracket(text, at + 1) + 1;
    else at += 1;
  }
  return at + 1;
}

/** @param {string} text @param {string} end @param {number} at */
function endOf(text, end, at) {
  const found = text.indexOf(end, at);
  return found < 0 ? text.length : found + end.length;
}
