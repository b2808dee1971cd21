// The worker's own file, `ratchet worker --config FILE` or RATCHET_WORKER_CONFIG: how it reaches or starts
// the runtimes that specs name. No message shows a value, because it may be a key.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { RatchetError } from "../errors/index.ts";
import { above, duration, durationMs, text, whole } from "../campaign/spec/fields.ts";
import type { VllmSettings } from "../runtimes/vllm/settings.ts";

const words = (what: string) => z.array(text(/^[^\0]+$/, what), { error: `a list of ${what}` });

/** Arguments that Ratchet gives itself (runtimes/vllm/server-process.ts). */
const OURS = /^--(host|port|served-model-name|generation-config|logprobs-mode|model|api-key|uds)(=|$)/;

const common = {
  /** Requests in flight. */
  concurrency: whole(1, 4096).default(128),
  /** Of one request. */
  timeout: duration().default("10m"),
  /** Largest mean difference of log-probabilities per token, in nats. */
  tolerance: above(0, 10).default(0.05),
};

const managed = z.strictObject({
  command: words("words").min(1, { error: "a list of at least one word" }),
  args: words("words")
    .refine((args) => !args.some((arg) => OURS.test(arg)), {
      error:
        "arguments without --host, --port, --model, --served-model-name, --generation-config, " +
        "--logprobs-mode, --api-key and --uds, which Ratchet sets",
    })
    .default([]),
  env: z
    .record(text(/^[A-Za-z_][A-Za-z0-9_]*$/, "a variable name"), text(/^[^\0]*$/, "a text or env:NAME"), {
      error: "a mapping of names to texts or env:NAME",
    })
    .default({}),
  startTimeout: duration().default("15m"),
  /** The server is stopped when nothing has used it for this long. */
  idle: duration().default("10m"),
  ...common,
});

const external = z.strictObject({
  address: text(/^https?:\/\/[^\s@/?#]+\/?$/, "an http or https address without user, path and query"),
  model: text(/\S/, "the name under which the server serves its model"),
  digest: text(/^[0-9a-f]{64}$/, "the policy's digest").optional(),
  key: text(
    /^env:[A-Za-z_][A-Za-z0-9_]*$/,
    "env:NAME, a variable of the worker; never the key itself",
  ).optional(),
  ...common,
});

const file = z.strictObject({
  $schema: z.string({ error: "an address" }).optional(),
  runtimes: z.strictObject({ vllm: z.union([managed, external]).optional() }).default({}),
});

export interface WorkerConfig {
  vllm?: VllmSettings | undefined;
}

/** JSON Schema (2020-12) of the file, for editors. */
export const workerJsonSchema = (): Record<string, unknown> => ({
  title: "Ratchet worker",
  ...z.toJSONSchema(file, { io: "input" }),
});

/** Without a file, no outside runtimes. Throws `worker_config_invalid`. */
export function readWorkerConfig(path: string | undefined, env: NodeJS.ProcessEnv): WorkerConfig {
  if (path === undefined) return {};
  const name = resolve(path);
  const written = parsedFile(name);
  const parsed = file.safeParse(written);
  if (!parsed.success) throw invalid(name, faultOf(parsed.error.issues[0]!));
  const { vllm } = parsed.data.runtimes;
  if (!vllm) return {};
  const valueOf = (reference: string, at: string): string => {
    const variable = reference.slice("env:".length);
    const value = env[variable];
    if (!value) throw invalid(name, `${at} names ${variable}, which the worker's environment lacks`);
    return value;
  };
  return { vllm: settingsOf(vllm, valueOf) };
}

function settingsOf(
  { timeout, ...written }: z.output<typeof managed> | z.output<typeof external>,
  valueOf: (reference: string, at: string) => string,
): VllmSettings {
  const timeoutMs = durationMs(timeout);
  if ("address" in written) {
    const { key, ...rest } = written;
    return { ...rest, timeoutMs, key: key === undefined ? undefined : valueOf(key, "runtimes.vllm.key") };
  }
  const { startTimeout, idle, env, ...rest } = written;
  const values = Object.entries(env).map(([name, value]) => [
    name,
    value.startsWith("env:") ? valueOf(value, `runtimes.vllm.env.${name}`) : value,
  ]);
  return {
    ...rest,
    timeoutMs,
    env: Object.fromEntries(values) as Record<string, string>,
    startMs: durationMs(startTimeout),
    idleMs: durationMs(idle),
  };
}

function faultOf(issue: z.core.$ZodIssue, prefix: readonly PropertyKey[] = []): string {
  const at = [...prefix, ...issue.path];
  const place = at.join(".") || "the file";
  if (issue.code === "unrecognized_keys")
    return issue.keys[0] === "address"
      ? `${place} has a command and an address, of which it may have one`
      : `${place} has the unknown key ${issue.keys[0]}`;
  if (issue.code !== "invalid_union") return `${place} must be: ${issue.message}`;
  // A server that is started has no address, and one that has an address is not started.
  const [asManaged = [], asExternal = []] = issue.errors;
  const isOther = (one: z.core.$ZodIssue): boolean =>
    one.code === "unrecognized_keys" && one.keys.includes("address");
  const branch = asManaged.some(isOther) ? asExternal : asManaged;
  return branch[0] ? faultOf(branch[0], at) : `${place} must have a command or an address`;
}

function parsedFile(name: string): unknown {
  let source: string;
  try {
    source = readFileSync(name, "utf8");
  } catch (error) {
    throw invalid(name, (error as Error).message);
  }
  try {
    return parse(source, { prettyErrors: false, logLevel: "error" });
  } catch {
    // The parser's message may quote a line.
    throw invalid(name, "it is no YAML");
  }
}

const invalid = (name: string, fault: string): RatchetError =>
  new RatchetError("worker_config_invalid", `the worker's file ${name} cannot be used: ${fault}`, {
    hint: "docs/runtimes.md shows such a file",
    file: name,
  });
