// Cuts a text at the matches of a pattern, with tokenizers' five behaviors for what is matched.

export type Behavior = "Removed" | "Isolated" | "MergedWithPrevious" | "MergedWithNext" | "Contiguous";

interface Piece {
  text: string;
  matched: boolean;
}

/** `invert`: what is not matched counts as matched. Pieces without a character are left out. */
export function split(text: string, pattern: RegExp, behavior: Behavior, invert = false): string[] {
  const pieces = piecesOf(text, pattern).map((piece) => ({ ...piece, matched: piece.matched !== invert }));
  return joined(pieces, behavior).filter((piece) => piece !== "");
}

function piecesOf(text: string, pattern: RegExp): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const match of text.matchAll(pattern)) {
    if (match.index > end) pieces.push({ text: text.slice(end, match.index), matched: false });
    pieces.push({ text: match[0], matched: true });
    end = match.index + match[0].length;
  }
  if (end < text.length) pieces.push({ text: text.slice(end), matched: false });
  return pieces;
}

function joined(pieces: Piece[], behavior: Behavior): string[] {
  switch (behavior) {
    case "Removed":
      return pieces.filter(({ matched }) => !matched).map(({ text }) => text);
    case "Isolated":
      return pieces.map(({ text }) => text);
    case "Contiguous":
      return merged(pieces, (piece, before) => piece.matched === before.matched);
    case "MergedWithPrevious":
      return merged(pieces, (piece, before) => piece.matched && !before.matched);
    case "MergedWithNext":
      return merged(pieces, (piece, before) => before.matched && !piece.matched);
  }
}

/** `joins`: whether a piece belongs to the one before it. */
function merged(pieces: Piece[], joins: (piece: Piece, before: Piece) => boolean): string[] {
  const texts: string[] = [];
  pieces.forEach((piece, i) => {
    if (i > 0 && joins(piece, pieces[i - 1]!)) texts.push(texts.pop() + piece.text);
    else texts.push(piece.text);
  });
  return texts;
}
