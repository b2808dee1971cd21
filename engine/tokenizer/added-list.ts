// The list of a tokenizer's added tokens, with the ids that the Rust library gives them.
import { RatchetError } from "../../errors/index.ts";

export type Json = Record<string, unknown>;

export interface AddedToken {
  id: number;
  content: string;
  single_word: boolean;
  lstrip: boolean;
  rstrip: boolean;
  normalized: boolean;
  special: boolean;
}

export type Flags = Partial<Omit<AddedToken, "id" | "content">>;

export const addedIn = (tokenizer: Json): AddedToken[] => (tokenizer["added_tokens"] ?? []) as AddedToken[];

/** Tokens of tokenizer.json, and those that are added to them as tokenizers' `add_tokens` does. */
export class AddedTokens {
  readonly unplaced = new Set<string>();
  private readonly tokens = new Map<string, AddedToken>();
  private readonly vocabulary: ReadonlyMap<string, number>;

  constructor(tokenizer: Json, dir: string) {
    this.vocabulary = vocabularyOf(tokenizer);
    for (const token of addedIn(tokenizer)) this.tokens.set(token.content, { ...token });
    this.refuseOtherIds(tokenizer, dir);
  }

  /** The Rust library gives an added token its id in the vocabulary, or else the next id. */
  private refuseOtherIds(tokenizer: Json, dir: string): void {
    let next = this.vocabulary.size;
    for (const { content, id } of addedIn(tokenizer)) {
      const known = this.vocabulary.get(content);
      const given = known ?? next;
      if (known === undefined || known >= next) next = given + 1;
      if (given !== id) throw otherId("tokenizer.json", dir, content, id, given);
    }
  }

  all(): AddedToken[] {
    return [...this.tokens.values()];
  }

  has(content: string): boolean {
    return this.tokens.has(content);
  }

  markSpecial(content: string): void {
    const token = this.tokens.get(content);
    if (token) token.special = true;
  }

  /** `named`: the id by which a file names the token. */
  put(content: string, flags: Flags, named?: number, dir?: string): void {
    const id = this.tokens.get(content)?.id ?? this.vocabulary.get(content) ?? this.nextId();
    if (named !== undefined && named !== id)
      throw otherId("tokenizer_config.json", String(dir), content, named, id);
    if (named === undefined && !this.vocabulary.has(content)) this.unplaced.add(content);
    const special = flags.special ?? false;
    const { single_word = false, lstrip = false, rstrip = false, normalized = !special } = flags;
    this.tokens.set(content, { id, content, single_word, lstrip, rstrip, normalized, special });
  }

  private nextId(): number {
    const highest = Math.max(-1, ...this.all().map(({ id }) => id));
    return Math.max(highest + 1, this.vocabulary.size);
  }
}

function otherId(file: string, dir: string, content: string, named: number, id: number): RatchetError {
  return new RatchetError(
    "tokenizer_invalid",
    `${file} of ${dir} has token ${JSON.stringify(content)} with id ${named}; transformers gives it ${id}`,
    { hint: "load the tokenizer with transformers and save it again" },
  );
}

/** Ids by token. The model has a map for BPE and word-level tokenizers and a list for unigram ones. */
export function vocabularyOf(tokenizer: Json): ReadonlyMap<string, number> {
  const { vocab = {} } = (tokenizer["model"] ?? {}) as {
    vocab?: Record<string, number> | [string, number][];
  };
  return new Map(Array.isArray(vocab) ? vocab.map(([token], id) => [token, id]) : Object.entries(vocab));
}
