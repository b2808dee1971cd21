// The page's files, as the build left them in dist/label-page/page.
import { readFile } from "node:fs/promises";

export interface PageFile {
  type: string;
  bytes: Uint8Array<ArrayBuffer>;
}

const FILES = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/main.js": ["main.js", "text/javascript; charset=utf-8"],
  "/page.css": ["page.css", "text/css; charset=utf-8"],
  "/icon.svg": ["icon.svg", "image/svg+xml"],
} as const;

export async function readPageFiles(): Promise<Map<string, PageFile>> {
  const files = Object.entries(FILES).map(async ([path, [name, type]]) => {
    const bytes = new Uint8Array(await readFile(new URL(`../page/${name}`, import.meta.url)));
    return [path, { type, bytes }] as const;
  });
  return new Map(await Promise.all(files));
}
