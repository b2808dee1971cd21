// Positions in compiled files, as in stack traces, to positions in their sources. Node does this with
// --enable-source-maps, for which every process parses the map of each file that it loads.
import { existsSync, readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { dirname, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const POSITION = /(file:\/\/[^\s()]+?\.js|\/[^\s():]+\.js):(\d+):(\d+)/g;

/** @type {Map<string, SourceMap | undefined>} */
const maps = new Map();

/**
 * Each position in a compiled file as one in its source, whose path is relative to the clone.
 * @param {string} text @param {string} root of the clone
 */
export function withSourcePositions(text, root) {
  return text.replace(POSITION, (written, address, line, column) => {
    const file = address.startsWith("file:") ? fileURLToPath(address) : address;
    const found = mapOf(file)?.findEntry(Number(line) - 1, Number(column) - 1);
    if (!found || !("originalSource" in found)) return written;
    const source = resolve(dirname(file), found.originalSource);
    return `${relative(root, source)}:${found.originalLine + 1}:${found.originalColumn + 1}`;
  });
}

/** @param {string} file */
function mapOf(file) {
  if (!maps.has(file)) {
    const path = `${file}.map`;
    maps.set(file, existsSync(path) ? new SourceMap(JSON.parse(readFileSync(path, "utf8"))) : undefined);
  }
  return maps.get(file);
}
