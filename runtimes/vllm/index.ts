// The `vllm` runtime: answers from a server of vLLM's completions protocol. The worker renders and encodes
// prompts and decodes answers, so the server sees and gives token ids only.
import { Pace } from "../api-labeler/pace.ts";
import type { SamplingPrompt } from "../encoder/index.ts";
import type {
  Completion,
  Generator,
  LocalModel,
  Prompt,
  SampleRequest,
  SamplingSettings,
  Scorer,
  WorkContext,
} from "../types.ts";
import { checkCanary } from "./canary.ts";
import { checkEnd, checkIds } from "./check-answer.ts";
import type { Endpoint } from "./endpoint.ts";
import { ExternalServer } from "./external.ts";
import { ManagedServers } from "./managed.ts";
import type { Answer, Ask } from "./protocol.ts";
import { checkServed, refuseShortContext } from "./served.ts";
import type { Server, Servers } from "./servers.ts";
import { isManaged } from "./settings.ts";
import type { VllmSettings } from "./settings.ts";
import { Tokens } from "./tokens.ts";

export type { ExternalSettings, ManagedSettings, VllmSettings } from "./settings.ts";

/** Each request has a time limit, so an attempt that waits for one is not stuck. */
const ALIVE_MS = 5_000;

interface Asked {
  request: SampleRequest;
  ask: Omit<Ask, "model">;
  name: string;
}

export class VllmRuntime implements Generator {
  readonly deterministic = false;
  private readonly settings: VllmSettings;
  private readonly scorer: Pick<Scorer, "logps">;
  private readonly servers: Servers;
  private readonly tokens = new Tokens();
  private version = "unknown";

  /** `logFile`: of the servers that it starts. */
  constructor(settings: VllmSettings, scorer: Pick<Scorer, "logps">, logFile: string) {
    this.settings = settings;
    this.scorer = scorer;
    const pace = new Pace({ requestsPerMinute: Infinity, concurrency: settings.concurrency });
    this.servers = isManaged(settings)
      ? new ManagedServers(settings, pace, logFile)
      : new ExternalServer(settings, pace);
  }

  facts(): Record<string, unknown> {
    return { runtime: "vllm", vllm: this.version };
  }

  async generate(
    policy: LocalModel,
    requests: SampleRequest[],
    settings: SamplingSettings,
    context: WorkContext,
  ): Promise<Completion[]> {
    if (requests.length === 0) return [];
    const alive = setInterval(() => context.onWaiting?.(), ALIVE_MS);
    try {
      const { config, of } = await this.tokens.prompts(policy, requests);
      const asked = requests.map((request) => {
        const prompt = of.get(request.prompt)!;
        const room = config.maxPositions - prompt.promptIds.length;
        return askOf(request, prompt, Math.min(settings.maxTokens, room), settings);
      });
      return await this.servers.use(policy, context, async (server) => {
        const check = (): Promise<number> => this.check(server, policy, { asked, config }, context);
        refuseShortContext(await server.check(check), longestOf(asked), server.endpoint);
        const answers = await completeAll(server.endpoint, asked, config.vocabSize, context);
        const completions = await this.completions(policy, asked, answers, settings);
        if (server.checkAfter) await check();
        return completions;
      });
    } finally {
      clearInterval(alive);
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.servers.close(), this.tokens.close()]);
  }

  /** The server's context in tokens. */
  private async check(
    { endpoint }: Server,
    model: LocalModel,
    { asked, config }: { asked: readonly Asked[]; config: { maxPositions: number; vocabSize: number } },
    context: WorkContext,
  ): Promise<number> {
    const served = await checkServed(endpoint, model, this.settings, context.signal);
    this.version = await endpoint.version(context.signal);
    const [{ request, ask }] = asked as [Asked, ...Asked[]];
    const row = { prompt: request.prompt, promptIds: [...ask.promptIds], ends: [...ask.ends] };
    const positions = Math.min(served, config.maxPositions);
    const { tolerance } = this.settings;
    const { vocabSize } = config;
    const canary = { model, row, positions, vocabSize, tolerance, scorer: this.scorer };
    const { signal, onWaiting } = context;
    // Without its progress, which is none of the piece's.
    await checkCanary(endpoint, canary, { signal, onWaiting, onProgress: () => undefined });
    return served;
  }

  private async completions(
    policy: LocalModel,
    asked: readonly Asked[],
    answers: readonly Answer[],
    { stop }: SamplingSettings,
  ): Promise<Completion[]> {
    const rows = asked.map(({ ask }, index) => ({
      promptIds: [...ask.promptIds],
      ids: answers[index]!.ids,
      ends: ask.ends,
    }));
    const texts = await this.tokens.texts(policy, rows, stop, (index) => asked[index]!.name);
    return asked.map(({ request, ask, name }, at) => {
      const { ids, logps } = answers[at]!;
      const { text, finish } = checkEnd(answers[at]!, ask, texts[at]!, name);
      const { prompt, index, temperature, seed } = request;
      return { promptId: prompt.id, index, text, ids, logps, finish, temperature, seed };
    });
  }
}

const askOf = (
  request: SampleRequest,
  { promptIds, ends }: SamplingPrompt,
  maxTokens: number,
  settings: SamplingSettings,
): Asked => ({
  request,
  ask: { promptIds, maxTokens, temperature: request.temperature, seed: request.seed, settings, ends },
  name: nameOf(request),
});

const longestOf = (asked: readonly Asked[]): number =>
  Math.max(...asked.map(({ ask }) => ask.promptIds.length + ask.maxTokens));

const nameOf = ({ index, prompt }: { index: number; prompt: Prompt }): string =>
  `completion ${index} of prompt ${prompt.id}`;

/** One request for each completion, with its own seed. The first failure ends all. */
async function completeAll(
  endpoint: Endpoint,
  asked: readonly Asked[],
  vocabSize: number,
  { signal, onProgress }: WorkContext,
): Promise<Answer[]> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const startedAt = performance.now();
  let done = 0;
  let tokens = 0;
  const one = async ({ ask, name }: Asked): Promise<Answer> => {
    const answer = await endpoint.complete(ask, either);
    checkIds(answer, ask, vocabSize, name);
    done += 1;
    tokens += answer.ids.length;
    const tokensPerSecond = Math.round((tokens / Math.max(1, performance.now() - startedAt)) * 1000);
    onProgress({ done, total: asked.length, unit: "completions", values: { tokensPerSecond } });
    return answer;
  };
  const outcomes = await Promise.allSettled(
    asked.map((each) =>
      one(each).catch((error: unknown) => {
        failed.abort(error);
        throw error;
      }),
    ),
  );
  signal.throwIfAborted();
  if (failed.signal.aborted) throw failed.signal.reason;
  return outcomes.map((outcome) => (outcome as PromiseFulfilledResult<Answer>).value);
}
