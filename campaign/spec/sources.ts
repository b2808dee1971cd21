// Where models and rows come from: a path, a repository of the hub, or a module.
import { z } from "zod";
import { path, text } from "./fields.ts";

const repository = text(
  /^(?!.*(?:\.\.|--))\w[\w.-]*(?:\/\w[\w.-]*)?$/,
  "the name of a repository of the hub, org/name",
);
/** Part of a path in the cache. */
const revision = text(/^(?![./])(?!.*(?:\.\.|\/\/))[\w./-]+$/, "a branch, a tag or a commit");
const word = (what: string) => text(/^(?!.*\.\.)[\w.-]+$/, what);

export const modelSource = {
  path: path("a checkpoint folder in Hugging Face layout").optional(),
  /** A repository of the hub. */
  hub: repository.optional(),
  /** If absent, main. It becomes a commit before anything starts. */
  revision: revision.optional(),
};

export const rowSource = {
  file: path("a JSON Lines or Parquet file").optional(),
  hub: repository.optional(),
  revision: revision.optional(),
  /** If absent, the data set's default. */
  config: word("the name of a configuration").optional(),
  /** If absent, train. */
  split: word("the name of a split").optional(),
  /** Names that Ratchet reads, each with the column's name in the data set. */
  columns: z
    .record(text(/\S/, "the name of a column"), text(/\S/, "the name of a column"), {
      error: "a mapping of Ratchet's names of columns to the data set's",
    })
    .default({}),
};

type Section = Record<string, unknown>;
type Rule = (value: Section, context: z.core.$RefinementCtx) => void;

const has = (value: Section, key: string): boolean => value[key] !== undefined;

/** One of `keys`, and keys of a repository only with `hub`. */
export const oneSource =
  (...keys: string[]): Rule =>
  (value, context) => {
    const given = keys.filter((key) => has(value, key));
    const any = `${keys.slice(0, -1).join(", ")} or ${keys.at(-1)}`;
    if (given.length === 0) context.addIssue({ code: "custom", message: `needs ${any}` });
    atMostOneSource(...keys)(value, context);
  };

export const atMostOneSource =
  (...keys: string[]): Rule =>
  (value, context) => {
    const given = keys.filter((key) => has(value, key));
    if (given.length > 1)
      context.addIssue({ code: "custom", message: `has ${given.join(" and ")}, but needs only one` });
    for (const key of ["revision", "config", "split"])
      if (has(value, key) && !has(value, "hub"))
        context.addIssue({ code: "custom", message: `has ${key} without hub` });
    if (has(value, "module") && Object.keys((value["columns"] as object | undefined) ?? {}).length > 0)
      context.addIssue({ code: "custom", message: "has columns, which name those of a file, with module" });
  };
