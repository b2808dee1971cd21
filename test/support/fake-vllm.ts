// A fake of vLLM's server: it speaks the completions protocol as vLLM 0.32 does, and computes every answer by
// our own engine, so that its log-probabilities are true. `Lies` sets up what real servers were seen to do
// wrong.
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { Decoder } from "../../engine/decode/decoder.ts";
import { readCheckpoint } from "../../engine/index.ts";
import type { ModelConfig } from "../../engine/model/index.ts";
import { StopRule } from "../../engine/sampling/stop.ts";
import { SequenceScorer } from "../../engine/score/scorer.ts";
import { loadWeights } from "../../engine/score/weights.ts";
import type { LoadedWeights } from "../../engine/score/weights.ts";
import { Tokenizer } from "../../engine/tokenizer/tokenizer.ts";

export interface Lies {
  /** `--logprobs-mode processed_logprobs`: log-probabilities after the temperature. */
  processed?: boolean;
  /** `--max-model-len`. Longer answers are cut, with finish_reason "length". */
  context?: number;
  /** Says this context in /v1/models. */
  saysContext?: number;
  /** The model's generation config has these stop ids; they are merged into those of each request. */
  defaultStops?: number[];
  /** Serves this folder's weights under the name of the other. */
  otherWeights?: string;
  /** Ignores stop ids and stop texts. */
  endless?: boolean;
  /** Puts this id before each prompt. */
  bos?: number;
  /** Gives its texts in capitals, as another tokenizer would. */
  otherText?: boolean;
  /** A server without `return_token_ids`. */
  noIds?: boolean;
  /** Ends the connection in the middle of the answer to this request; the first is 0. */
  cutAt?: number;
  /** Answers the requests from this one on with 500. */
  failsFrom?: number;
  /** Answers this many requests with 429 first. */
  busy?: number;
  /** Never answers the requests from this one on. */
  hangsFrom?: number;
  /** Ends the process at this request, as a kernel without support for the head size does. */
  exitsAt?: number;
  /** Answers after this time. */
  delayMs?: number;
}

export interface FakeOptions {
  dir: string;
  /** `--served-model-name` */
  name: string;
  port?: number;
  lies?: Lies;
}

interface Body {
  model: string;
  prompt: number[];
  max_tokens: number;
  temperature: number;
  top_k?: number;
  top_p?: number;
  min_p?: number;
  seed?: string;
  stop?: string[];
  stop_token_ids?: number[];
  return_token_ids?: boolean;
  prompt_logprobs?: number;
  logprobs?: number;
}

interface Engine {
  config: ModelConfig;
  weights: LoadedWeights;
  decoder: Decoder;
  scorer: SequenceScorer;
  tokenizer: Tokenizer;
}

interface Sampled {
  ids: number[];
  logps: number[];
  finish: "eos" | "stop" | "length";
}

/** A 63-bit seed loses digits as a double, so it is read from the text. */
const withSeed = (sent: string): Body => ({
  ...(JSON.parse(sent) as Body),
  seed: /"seed":(\d+)/.exec(sent)?.[1] ?? "0",
});

export class FakeVllm {
  /** Requests for completions so far. */
  requests = 0;
  readonly bodies: Body[] = [];
  lies: Lies;
  private readonly options: FakeOptions;
  private readonly engine: Engine;
  private readonly server: Server;
  private turn: Promise<unknown> = Promise.resolve();

  private constructor(options: FakeOptions, engine: Engine) {
    this.options = options;
    this.engine = engine;
    this.lies = options.lies ?? {};
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  static async start(options: FakeOptions): Promise<FakeVllm> {
    const { config, weights: read } = await readCheckpoint(options.lies?.otherWeights ?? options.dir);
    const weights = loadWeights({ config, weights: read });
    const engine = {
      config,
      weights,
      decoder: await Decoder.create(config, weights, { threads: 1 }),
      scorer: await SequenceScorer.create(config, { threads: 1 }),
      tokenizer: await Tokenizer.load(options.dir, config),
    };
    const fake = new FakeVllm(options, engine);
    await new Promise<void>((resolve) => void fake.server.listen(options.port ?? 0, "127.0.0.1", resolve));
    return fake;
  }

  get address(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => void this.server.close(resolve));
    await this.turn;
    await this.engine.decoder.close();
    await this.engine.scorer.close();
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, body: object): void =>
      void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    const { name, dir } = this.options;
    if (request.url === "/health") return void response.writeHead(200).end();
    if (request.url === "/version") return send(200, { version: "0.32.0+fake" });
    if (request.url === "/v1/models")
      return send(200, {
        object: "list",
        data: [
          {
            id: name,
            object: "model",
            owned_by: "vllm",
            root: dir,
            max_model_len: this.lies.saysContext ?? this.context,
          },
        ],
      });
    if (request.url !== "/v1/completions") return send(404, { detail: "Not Found" });
    const body = withSeed(await text(request));
    this.bodies.push(body);
    if (body.model !== name)
      return send(404, { error: { message: `The model \`${body.model}\` does not exist.`, code: 404 } });
    if (body.prompt.some((id) => id >= this.engine.config.vocabSize))
      return send(400, { error: { message: "Token id is out of vocabulary", code: 400 } });
    await this.answer(body, response, send);
  }

  private get context(): number {
    return this.lies.context ?? this.engine.config.maxPositions;
  }

  private async answer(
    body: Body,
    response: ServerResponse,
    send: (status: number, body: object) => void,
  ): Promise<void> {
    const at = this.requests++;
    const { busy = 0, failsFrom = Infinity, hangsFrom = Infinity, cutAt, exitsAt, delayMs = 0 } = this.lies;
    if (at === exitsAt) process.exit(1);
    if (at >= hangsFrom) return;
    if (at < busy)
      return void response.writeHead(429, { "retry-after": "0" }).end('{"error":{"message":"slow down"}}');
    if (at >= failsFrom) return send(500, { error: { message: "EngineCore encountered an issue." } });
    const answered = this.turn.then(() => this.completion(body));
    this.turn = answered.catch(() => undefined);
    const [sent] = await Promise.all([answered, sleep(delayMs)]);
    if (at !== cutAt) return send(200, sent);
    const cut = JSON.stringify(sent);
    response.writeHead(200, { "content-type": "application/json", "content-length": String(cut.length) });
    response.write(cut.slice(0, 40), () => response.destroy());
  }

  private async completion(body: Body): Promise<object> {
    const { lies, engine } = this;
    const prompt = [...(lies.bos === undefined ? [] : [lies.bos]), ...body.prompt];
    const sampled = await this.sample(prompt, body);
    const logps = lies.processed ? await this.tempered(prompt, sampled.ids, body.temperature) : sampled.logps;
    const last = sampled.ids.at(-1)!;
    const plain = sampled.finish === "eos" ? sampled.ids.slice(0, -1) : sampled.ids;
    const decoded = engine.tokenizer.decodeAnswer(prompt, plain);
    const stop = this.stopRule(body);
    const answerText = sampled.finish === "stop" ? stop.cut(decoded) : decoded;
    return {
      id: "cmpl-fake",
      object: "text_completion",
      created: 1,
      model: body.model,
      choices: [
        {
          index: 0,
          text: lies.otherText ? answerText.toUpperCase() : answerText,
          logprobs:
            body.logprobs === undefined
              ? null
              : { text_offset: [], token_logprobs: logps, tokens: [], top_logprobs: [] },
          finish_reason: sampled.finish === "length" ? "length" : "stop",
          stop_reason: sampled.finish === "eos" && !engine.config.eosIds.includes(last) ? last : null,
          token_ids: body.return_token_ids && !lies.noIds ? sampled.ids : null,
          prompt_logprobs: body.prompt_logprobs === undefined ? null : await this.promptLogps(prompt),
          prompt_token_ids: null,
        },
      ],
      usage: {
        prompt_tokens: prompt.length,
        completion_tokens: sampled.ids.length,
        total_tokens: prompt.length + sampled.ids.length,
      },
    };
  }

  private stopRule({ stop = [] }: Body): StopRule {
    return new StopRule(stop, (before, ids) => this.engine.tokenizer.decodeAnswer(before, ids));
  }

  private async sample(prompt: number[], body: Body): Promise<Sampled> {
    const { lies, engine } = this;
    const ends = [...engine.config.eosIds, ...(body.stop_token_ids ?? []), ...(lies.defaultStops ?? [])];
    const stop = this.stopRule(body);
    const [sampled] = await engine.decoder.generate(
      [
        {
          promptIds: prompt,
          temperature: body.temperature,
          seed: BigInt(body.seed ?? 0)
            .toString(16)
            .padStart(16, "0"),
          eosIds: new Set(lies.endless ? [] : ends),
        },
      ],
      {
        maxTokens: Math.min(body.max_tokens, this.context - prompt.length),
        topK: body.top_k ?? 0,
        topP: body.top_p ?? 1,
        minP: body.min_p ?? 0,
        stopped: (before, ids) => !lies.endless && stop.reached(before, ids),
      },
    );
    return sampled!;
  }

  /** Log-probabilities of `ids` under the tempered distribution. */
  private async tempered(prompt: number[], ids: number[], temperature: number): Promise<number[]> {
    const { scorer, weights, config } = this.engine;
    const choices = [...new Array(config.vocabSize).keys()];
    const rows = await scorer.choiceLogps(
      weights,
      ids.map((_, at) => ({ ids: [...prompt, ...ids.slice(0, at)], choices })),
    );
    return rows.map((row, at) => {
      const scaled = row.map((logp) => logp / temperature);
      return scaled[ids[at]!]! - Math.log(scaled.reduce((sum, value) => sum + Math.exp(value), 0));
    });
  }

  private async promptLogps(ids: number[]): Promise<(Record<string, object> | null)[]> {
    const { scorer, weights } = this.engine;
    if (ids.length < 2) return [null];
    const [logps] = await scorer.tokenLogps(weights, [{ ids, promptLength: 1 }]);
    const rows = [...logps!].map((logprob, at) => ({
      [String(ids[at + 1])]: { logprob, rank: 1, decoded_token: "" },
    }));
    return [null, ...rows];
  }
}
