// API labelers of a worker: a YAML or JSON file that RATCHET_API_LABELERS names. Campaigns name an entry; its
// address, model, prompt and key stay with the worker. No message shows a value, because it may be a key.
import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { RatchetError } from "../errors/index.ts";
import { API_LABELER } from "../campaign/labeling/types.ts";
import { above, duration, durationMs, real, text, whole } from "../campaign/spec/fields.ts";
import { ApiLabeler, missingPlaces } from "../runtimes/api-labeler/index.ts";
import type { ApiSettings } from "../runtimes/api-labeler/index.ts";

const entry = z.strictObject({
  url: text(/^https?:\/\/[^\s@?#]+$/, "an http or https address without user, query and fragment"),
  model: text(/\S/, "the model's name"),
  /** Absent: the server asks for none. */
  key: text(
    /^env:[A-Za-z_][A-Za-z0-9_]*$/,
    "env:NAME, a variable of the worker; never the key itself",
  ).optional(),
  prompt: text(/\S/, "the path of a prompt template"),
  requestsPerMinute: above(0, 1_000_000).default(60),
  concurrency: whole(1, 256).default(4),
  /** Of a million tokens, in a currency of the operator's choice. */
  price: z.strictObject({ input: real(0, 1e6), output: real(0, 1e6) }).optional(),
  maxTokens: whole(1, 1_000_000).default(1024),
  timeout: duration().default("2m"),
});

const settingsFile = z.record(text(API_LABELER, "a name of lower-case letters, digits and -"), entry);

/** By name; empty without a file. Throws labelers_invalid. */
export function readApiLabelers(
  path: string | undefined,
  env: NodeJS.ProcessEnv,
): ReadonlyMap<string, ApiLabeler> {
  if (path === undefined) return new Map();
  const file = resolve(path);
  const parsed = settingsFile.safeParse(parsedFile(file));
  if (!parsed.success) {
    const { path: at, message } = parsed.error.issues[0]!;
    throw invalid(file, `${at.join(".") || "the file"} must be: ${message}`);
  }
  const entries = Object.entries(parsed.data).map(([name, { key, prompt, timeout, url, ...rest }]) => {
    const settings: ApiSettings = {
      ...rest,
      name,
      url: url.replace(/\/+$/, ""),
      key: key === undefined ? undefined : keyOf(file, name, key.slice("env:".length), env),
      prompt: templateOf(file, name, prompt),
      timeoutMs: durationMs(timeout),
    };
    return [name, new ApiLabeler(settings)] as const;
  });
  return new Map(entries);
}

function keyOf(file: string, name: string, variable: string, env: NodeJS.ProcessEnv): string {
  const key = env[variable];
  if (!key) throw invalid(file, `${name}.key names ${variable}, which the worker's environment lacks`);
  // A header holds no other characters. A line break at the end of a key is a usual mistake.
  if (!/^[\x21-\x7e]+$/.test(key))
    throw invalid(
      file,
      `${name}.key names ${variable}, which has a space, a line break or another character`,
    );
  return key;
}

function templateOf(file: string, name: string, prompt: string): string {
  const path = resolve(dirname(file), prompt);
  const template = read(path, (why) => invalid(file, `${name}.prompt cannot be read: ${why}`));
  const missing = missingPlaces(template);
  if (missing.length > 0) throw invalid(file, `${name}.prompt, ${path}, lacks ${missing.join(" and ")}`);
  return template;
}

function parsedFile(file: string): unknown {
  const source = read(file, (why) => invalid(file, why));
  try {
    return parse(source, { prettyErrors: false, logLevel: "error" });
  } catch {
    // The parser's message may quote a line.
    throw invalid(file, "it is no YAML");
  }
}

function read(path: string, refusal: (why: string) => Error): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw refusal((error as Error).message);
  }
}

const invalid = (file: string, fault: string): RatchetError =>
  new RatchetError("labelers_invalid", `the API labelers of ${file} cannot be used: ${fault}`, {
    hint: "docs/labels.md shows such a file",
    file,
  });
