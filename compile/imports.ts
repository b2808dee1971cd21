// The files that a module may import: those below the campaign's folder or the module's own, and packages
// where Node looks for them from there. A bundle is stored, so a campaign that somebody else wrote could copy
// any other file of the machine into the store.
import { realpathSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import type { Plugin } from "esbuild";
import type { RatchetError } from "../errors/index.ts";

const PACKAGES = "node_modules";

/** Real paths of the folders below which a file may be imported. */
export function importRoots(baseDir: string, entry: string): string[] {
  const own = [realpathSync(resolve(baseDir)), dirname(entry)];
  const roots = own.flatMap((folder) => [folder, ...above(folder).map((each) => join(each, PACKAGES))]);
  return [...new Set(roots)];
}

/** Refuses a file before the bundler reads it. */
export const onlyFrom = (roots: readonly string[], refuse: (path: string) => RatchetError): Plugin => ({
  name: "imports",
  setup(context) {
    context.onLoad({ filter: /.*/, namespace: "file" }, ({ path }) => {
      const real = realpathSync(path);
      if (roots.some((root) => isBelow(root, real))) return undefined;
      return { errors: [{ text: "outside the campaign's folder", detail: refuse(real) }] };
    });
  },
});

/**
 * For people: files by their path from the campaign's folder, and the number of files of each package.
 */
export function describeImports(baseDir: string, paths: readonly string[]): string[] {
  const base = realpathSync(resolve(baseDir));
  const packages = new Map<string, number>();
  const files: string[] = [];
  for (const path of paths) {
    const name = packageOf(path);
    if (name === undefined) files.push(relative(base, path));
    else packages.set(name, (packages.get(name) ?? 0) + 1);
  }
  const counted = [...packages].map(
    ([name, count]) => `${PACKAGES}/${name} (${count} file${count === 1 ? "" : "s"})`,
  );
  return [...files.sort(), ...counted.sort()];
}

/** `name` or `@scope/name` of the innermost package folder that holds the path. */
function packageOf(path: string): string | undefined {
  const parts = path.split(sep);
  const at = parts.lastIndexOf(PACKAGES);
  if (at < 0) return undefined;
  return parts.slice(at + 1, at + (parts[at + 1]?.startsWith("@") ? 3 : 2)).join("/");
}

const isBelow = (root: string, path: string): boolean =>
  path.startsWith(root.endsWith(sep) ? root : root + sep);

const above = (folder: string): string[] =>
  dirname(folder) === folder ? [folder] : [folder, ...above(dirname(folder))];
