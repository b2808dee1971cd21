// Calls each module of the run once, on a real prompt with plausible answers, so that one that throws is
// found before anything is generated. Two rows, because a module may compare the rows of a call.
import { isCoded, RatchetError } from "../errors/index.ts";
import { durationMs } from "../campaign/spec/fields.ts";
import type { ModuleAnswer, ModulePrompt, ModuleRole } from "../campaign/spec/modules.ts";
import type { ModuleSource, ResolvedSpec } from "../campaign/spec/schema.ts";
import type { Bundle } from "./bundle.ts";
import { moduleSources } from "./modules.ts";
import type { Prompts, Splits } from "./prompts.ts";
import type { Data } from "./rows.ts";
import { withModule } from "./source-modules.ts";
import type { Environment } from "./source-modules.ts";

/** `offline`: those that do not use the network, because calls over it may cost money. */
export type WhichModules = "none" | "offline" | "all";

export interface ModuleCall {
  role: ModuleRole;
  name: string;
  called: boolean;
  /** Why it was not called, or what came of the call besides an answer. */
  note?: string;
}

type CalledRole = Exclude<ModuleRole, "prompts" | "sft">;

/** Longest wait for an answer. A module may have a longer limit, and then this wait proves nothing. */
const WAIT_MS = 60_000;

interface Given {
  spec: ResolvedSpec;
  bundles: readonly Bundle[];
  environment: Environment;
  which: WhichModules;
}

export async function callModules(
  { spec, bundles, environment, which }: Given,
  { splits }: Prompts,
  data: Data,
): Promise<ModuleCall[]> {
  if (which === "none") return [];
  const sources = moduleSources(spec);
  const rows = plausibleRows(data);
  const called = bundles.filter(({ role }) => role !== "prompts" && role !== "sft");
  const failed = new AbortController();
  const calls = called.map(async (bundle): Promise<ModuleCall> => {
    const role = bundle.role as CalledRole;
    const source = sources[role]!;
    const why = whyNot(source, environment, which);
    if (why !== undefined) return { role, name: bundle.name, called: false, note: why };
    const [prompt] = splitOf(splits, role);
    if (!prompt) return { role, name: bundle.name, called: false, note: "the campaign has no prompt for it" };
    const note = await callOnce({ role, bundle, source, environment, signal: failed.signal }, prompt, rows);
    return { role, name: bundle.name, called: true, ...(note === undefined ? {} : { note }) };
  });
  try {
    return await Promise.all(calls);
  } catch (error) {
    failed.abort(error);
    // Their processes and folders are gone before this function ends.
    await Promise.allSettled(calls);
    throw error;
  }
}

const splitOf = (splits: Splits, role: CalledRole): Splits[keyof Splits] =>
  ({
    bootstrapLabelers: splits.bootstrap,
    labelers: splits.iterations,
    reward: splits.iterations,
    judge: splits.validation,
    gold: splits.test,
  })[role];

function whyNot(source: ModuleSource, environment: Environment, which: WhichModules): string | undefined {
  const missing = Object.values(source.env)
    .map((reference) => reference.replace(/^env:/, ""))
    .filter((name) => environment[name] === undefined);
  if (missing.length > 0) return `${missing.join(", ")} not set here`;
  if (source.network && which !== "all")
    return "it uses the network, and calls may cost money; --call-modules calls it";
  return undefined;
}

/** Two different answers that the author gave, or two short sentences. */
function plausibleRows({ preferences, sft }: Data): [ModuleAnswer, ModuleAnswer] {
  const pair = preferences?.pairs[0];
  const answers = pair
    ? [pair.chosen, pair.rejected]
    : [sft?.find(({ completion }) => completion !== undefined)?.completion, undefined];
  const [first = "Yes, that is right.", second = "I do not know."] = answers.map((answer) =>
    Array.isArray(answer) ? answer.at(-1)?.content : answer,
  );
  return [
    { text: first, finish: "eos" },
    { text: second, finish: "eos" },
  ];
}

interface Called {
  role: CalledRole;
  bundle: Bundle;
  source: ModuleSource;
  environment: Environment;
  /** Aborts when the call of another module failed. */
  signal: AbortSignal;
}

/** Returns what came of the call besides an answer. */
async function callOnce(
  { role, bundle, source, environment, signal }: Called,
  prompt: ModulePrompt,
  [first, second]: [ModuleAnswer, ModuleAnswer],
): Promise<string | undefined> {
  const asked = { ...source, timeout: `${Math.min(durationMs(source.timeout), WAIT_MS)}ms` };
  const rows =
    role === "bootstrapLabelers" || role === "labelers" || role === "judge"
      ? [
          { prompt, first, second, seed: "validate-0" },
          { prompt, first: second, second: first, seed: "validate-1" },
        ]
      : [
          { prompt, answer: first },
          { prompt, answer: second },
        ];
  try {
    await withModule(role, bundle, asked, environment, (runner) => runner.call(rows as never, signal));
    return undefined;
  } catch (error) {
    return harmless(error, source) ?? refuse(error, bundle, prompt);
  }
}

/** A module may ask for another try, and may take longer than anybody waits here. */
function harmless(error: unknown, source: ModuleSource): string | undefined {
  const { code, retryable, message } = error as Partial<RatchetError>;
  if (code === "module_threw" && retryable) return `it asked for another try: ${message}`;
  if (code === "module_timeout" && durationMs(source.timeout) > WAIT_MS)
    return `no answer within ${WAIT_MS / 1000} s; its limit is ${source.timeout}`;
  return undefined;
}

function refuse(error: unknown, { name }: Bundle, { id }: ModulePrompt): never {
  if (!isCoded(error)) throw error;
  const { code, message, hint } = error as RatchetError;
  throw new RatchetError(
    code,
    `${message} (${name}, called once with prompt ${id} and two answers, as the run calls it)`,
    { hint, file: name, cause: error },
  );
}
