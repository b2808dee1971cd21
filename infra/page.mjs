// Bundles the page where people label (label-page/). It has a compilation of its own, because it runs in a
// browser.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { startProgress } from "../host/progress.mjs";
import { tsc } from "./tsc.mjs";

export const PAGE = "label-page/page";

/**
 * The page is one script, so that a browser loads nothing but it, and users need none of its packages.
 * @param {string} root
 */
export async function bundlePage(root) {
  const progress = startProgress("bundling the page");
  await tsc(root, PAGE, progress);
  const { build } = await import("esbuild");
  await build({
    absWorkingDir: root,
    entryPoints: [`${PAGE}/main.tsx`, `${PAGE}/page.css`, `${PAGE}/index.html`, `${PAGE}/icon.svg`],
    entryNames: "[name]",
    outdir: join("dist", PAGE),
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    jsx: "automatic",
    jsxImportSource: "preact",
    loader: { ".html": "copy", ".svg": "copy" },
    banner: { js: licencesOf(root) },
  });
  progress.done("page bundled");
}

/** Their licences ask that copies carry them. @param {string} root */
function licencesOf(root) {
  const texts = ["preact", "marked"].map((name) => {
    const folder = join(root, "node_modules", name);
    const file = readdirSync(folder).find((entry) => /^LICEN[CS]E/i.test(entry));
    if (!file) throw new Error(`${folder} has no licence`);
    return `${name}\n\n${readFileSync(join(folder, file), "utf8").replaceAll("*/", "* /")}`;
  });
  return `/*!\n${texts.join("\n")}\n*/`;
}
