/* oxlint-disable max-lines -- one table: every code, in the order of docs/errors.md, which is made from it */
// Every error code: who has to act (kind), what it means, and whether a failed activity is retried.
// docs/errors.md is written from this table (errors/page.ts). Codes are stable: programs act on them.
// Messages are not.

/** Who has to act. The command's exit code follows from it. */
export type Kind = "spec" | "artifact" | "resource" | "scoring" | "training" | "invariant";

/**
 * What Temporal does after an activity failed.
 * - `never`: the same failure would come again.
 * - `counted`: this attempt failed, the next may not. Retried until 20 attempts in a row made no progress.
 * - `forever`: an outage outside Ratchet, or work for another worker. It ends, or its operator acts.
 */
export type Retry = "never" | "counted" | "forever";

export const KINDS: Record<Kind, { exit: number; retry: Retry; who: string }> = {
  spec: { exit: 2, retry: "never", who: "the author of the campaign" },
  artifact: { exit: 3, retry: "never", who: "the operator" },
  resource: { exit: 4, retry: "counted", who: "nobody if the platform recovers, else its operator" },
  scoring: { exit: 5, retry: "never", who: "the owner of the module" },
  training: { exit: 6, retry: "never", who: "the author: settings" },
  invariant: { exit: 70, retry: "never", who: "the developers of Ratchet" },
};

interface CodeFacts {
  kind: Kind;
  /** Markdown, for docs/errors.md. */
  means: string;
  /** Where it differs from its kind's. */
  retry?: Retry;
}

const BROKEN = "a promise inside Ratchet was broken: please report it with the output of `--debug`";

export const CODES = {
  // spec
  adapter_base_missing: {
    kind: "spec",
    means:
      "an adapter's `base_model_name_or_path` names no folder on this machine (a hub's model name, " +
      "for example). Nothing is downloaded",
  },
  adapter_unsupported: {
    kind: "spec",
    means:
      "an adapter in PEFT's layout is more than plain LoRA, or has a setting that is not known. The " +
      "message names the setting; docs/parity.md lists all",
  },
  address_invalid: {
    kind: "spec",
    means:
      "neither a campaign id nor an address `<campaign>[/<iteration>[.<take>] \\| /base-<name>][/<stage>]`",
  },
  address_unknown: { kind: "spec", means: "the campaign has no such iteration, baseline or stage (yet)" },
  already_paused: { kind: "spec", means: "`pause` of a paused campaign" },
  amend_empty: { kind: "spec", means: "`amend` or `extend` with settings that the campaign has already" },
  amend_forbidden: {
    kind: "spec",
    means:
      "`amend` of a setting that the bootstrap, a finished iteration or a measurement depends on. The " +
      "message names each, the hint says what may change",
  },
  amend_outdated: {
    kind: "spec",
    means: "somebody else amended the campaign after this `amend` or `extend` read its settings",
  },
  architecture_unsupported: {
    kind: "spec",
    means:
      "the checkpoint is of another family than Llama, Mistral, Qwen2 and Qwen3, or has a setting " +
      "that is not built or not known. The message names the setting; docs/parity.md lists what is built",
  },
  campaign_ambiguous: { kind: "spec", means: "several campaign ids begin with the given text" },
  campaign_cancelled: { kind: "spec", means: "`start` of a cancelled campaign without `--resume`" },
  campaign_differs: {
    kind: "spec",
    means: "the id exists with another spec. The message lists the differences",
  },
  campaign_ended: { kind: "spec", means: "`pause`, `resume` or `cancel` of a campaign that has ended" },
  campaign_exists: {
    kind: "spec",
    means: "a schedule's firing made the id of a campaign that somebody else has created. It was not touched",
  },
  campaign_moved: {
    kind: "spec",
    means: "`copy` has moved the campaign to another store, which the message names: start it there",
  },
  campaign_open: {
    kind: "spec",
    means:
      "`repair` of a place that is running, `erase` of a prompt in a campaign that has not ended or in a " +
      "schedule, or `prune` with a grace below an hour beside such a campaign",
  },
  campaign_unknown: { kind: "spec", means: "the store has no such campaign" },
  chat_template_missing: {
    kind: "spec",
    means: "prompts are conversations, and the tokenizer has no chat template",
  },
  chat_template_unsupported: {
    kind: "spec",
    means: "the chat template cannot be used, for example because it writes today's date",
  },
  dtype_unsupported: {
    kind: "spec",
    means:
      "weights in a format other than F32, F16 and BF16, or, when F16 is written, a weight beyond its range",
  },
  duplicate_prompt: { kind: "spec", means: "two prompts are equal" },
  duplicate_prompt_id: { kind: "spec", means: "two prompts have the same id" },
  encode_died: {
    kind: "spec",
    means:
      "the process that encodes rows with the tokenizer and the chat template ended, or needed more memory " +
      "than it may have. The message names the row",
  },
  encode_timeout: {
    kind: "spec",
    means:
      "the tokenizer or the chat template needed more than 30 s (in a worker: three minutes) for one " +
      "row, or two minutes for its own files. The message names the row",
  },
  env_invalid: { kind: "spec", means: "a variable in a worker's environment has an impossible value" },
  export_exists: {
    kind: "spec",
    means:
      "`export`, `head` or `key` found its target, or `report` a file that is no report. None is overwritten",
  },
  file_ambiguous: { kind: "spec", means: "a folder holds several campaign files" },
  file_empty: { kind: "spec", means: "a file that the campaign names has no rows" },
  file_missing: { kind: "spec", means: "a file that the campaign names does not exist" },
  file_unreadable: { kind: "spec", means: "a file that the campaign names cannot be read" },
  gold_imported: { kind: "spec", means: "a reward module or reward-model data reads the true reward (gold)" },
  hub_denied: {
    kind: "spec",
    means:
      "the hub answers 401 or 403: a private or gated repository, or a token that is not valid. For some " +
      "names that do not exist it gives the same answer",
  },
  hub_offline: {
    kind: "spec",
    means: "`HF_HUB_OFFLINE` is set, and the cache lacks a commit or a file that the campaign names",
  },
  hub_unknown: {
    kind: "spec",
    means: "the hub, or the repository, has no such name, revision, configuration, split or file",
  },
  init_exists: { kind: "spec", means: "`init` found its target. Nothing is ever overwritten" },
  judge_not_held_out: {
    kind: "spec",
    means:
      "`evaluate.judge` is the module that labels for training. Its verdicts would say how well the policy " +
      "learned its labels, not whether others find the policy better",
  },
  labelers_invalid: {
    kind: "spec",
    means:
      "the file of API labelers that a worker's settings name is missing, is no YAML, or has an entry that " +
      "cannot be used. The message names the entry, and never shows a key",
  },
  label_invalid: {
    kind: "spec",
    means:
      "a label that cannot be given: an unknown comparison or choice, a labeler that is no pseudonym, or a " +
      "line of a file that is no label. Of a file with such a line, nothing is imported",
  },
  labeler_unknown: { kind: "spec", means: "`labels withdraw` of a labeler who gave no label there" },
  module_invalid: {
    kind: "spec",
    means:
      "a module does not build, has no default function, or imports a file outside the campaign's folder " +
      "and its node_modules",
  },
  no_pairs: { kind: "spec", means: "pairing dropped every group. The message counts the reasons" },
  not_paused: { kind: "spec", means: "`resume` of a campaign that is not paused" },
  preferences_empty: { kind: "spec", means: "a preference file has no usable row" },
  preferences_invalid: { kind: "spec", means: "a row of a preference file has a wrong shape" },
  prompt_invalid: { kind: "spec", means: "a prompt row has a wrong shape" },
  prompt_overlap: { kind: "spec", means: "a prompt of a held-out split would be trained on" },
  prompt_too_long: { kind: "spec", means: "a prompt and its longest answer exceed the model's context" },
  prompt_unknown: { kind: "spec", means: "`erase` of a prompt id that no campaign of the store has" },
  prompts_too_few: { kind: "spec", means: "fewer prompts than the iterations and splits need" },
  questionnaire_unknown: {
    kind: "spec",
    means: "the campaign asks nobody for labels (yet), or a label names no questionnaire of it",
  },
  reason_too_long: {
    kind: "spec",
    means: "who and why of a `pause`, `resume` or `cancel` have more than 1,000 characters together",
  },
  refused: { kind: "spec", means: "the campaign refused an update without naming a code" },
  resume_mismatch: {
    kind: "spec",
    means: "a training checkpoint belongs to other data, other settings or another model",
  },
  row_invalid: { kind: "spec", means: "a row to learn from has a wrong shape" },
  row_too_long: { kind: "spec", means: "an answer that is scored exceeds the model's context" },
  rows_empty: { kind: "spec", means: "no row to learn from is left" },
  rows_invalid: { kind: "spec", means: "rows to learn from have a wrong shape" },
  schedule_exists: { kind: "spec", means: "`schedule create` of a schedule that exists. It was not changed" },
  schedule_invalid: {
    kind: "spec",
    means:
      "the times or the ids of a schedule: neither or both of `--cron` and `--every`, an expression that " +
      "the server does not understand, or a template that makes no campaign ids",
  },
  schedule_never_fires: {
    kind: "spec",
    means: "no time fits the cron expression (30 February, for example). Nothing was created",
  },
  schedule_unknown: { kind: "spec", means: "the Temporal namespace has no such schedule of Ratchet" },
  spec_conflict: { kind: "spec", means: "two settings are each valid and impossible together" },
  spec_invalid: {
    kind: "spec",
    means: "an unknown key or an impossible value. Every problem is listed with its line",
  },
  spec_unreadable: { kind: "spec", means: "the campaign file does not parse" },
  spec_unsupported: { kind: "spec", means: "the campaign file is of no known type" },
  store_missing: { kind: "spec", means: "no store is named" },
  temporal_config_invalid: {
    kind: "spec",
    means: "Temporal's client configuration (profile file or variables) cannot be used",
  },
  time_zone_unknown: { kind: "spec", means: "`--time-zone` is no name of the IANA time zone database" },
  tokenizer_mismatch: { kind: "spec", means: "the tokenizer does not fit the model" },
  usage_invalid: { kind: "spec", means: "the command line is wrong" },
  worker_config_invalid: {
    kind: "spec",
    means: "the worker's own file (`ratchet worker --config`) cannot be used. The message names the setting",
  },

  // artifact
  artifact_corrupt: {
    kind: "artifact",
    means:
      "an object of the store is not what was written (it was read twice). `ratchet verify` lists " +
      "all damage, `ratchet repair` computes it again",
  },
  artifact_erased: {
    kind: "artifact",
    means: "the bytes were erased on purpose. The message says by whom, when and why",
  },
  artifact_missing: {
    kind: "artifact",
    means:
      "an object of the store is gone. `ratchet verify` lists all damage, `ratchet repair` computes it again",
  },
  checkpoint_invalid: {
    kind: "artifact",
    means:
      "a checkpoint's files cannot be used: truncated, contradictory, not in the format, two sets of " +
      "weights, or a weight that is not a finite number",
  },
  erased_present: {
    kind: "artifact",
    means:
      "`verify`: erased bytes are in the store again, because somebody put them there. Run `ratchet " +
      "erase` again",
  },
  head_invalid: {
    kind: "artifact",
    means:
      "`verify --head FILE`: the file is no head of this campaign that the key signed: another key signed " +
      "it, it was changed, or it is of another campaign. It says nothing about the ledger",
  },
  head_missing: {
    kind: "artifact",
    means:
      "`verify --head`: the ledger no longer holds that head. Of a signed head, the message names what was " +
      "done (edited, removed, reordered, forged, cut) and to which row. Of a digest, the last rows were " +
      "removed, or the ledger was rewritten, since somebody noted it",
  },
  lease_lost: {
    kind: "artifact",
    means: "another run has taken the campaign over. This run ends; there is nothing to do",
  },
  hub_damaged: {
    kind: "artifact",
    means: "a downloaded file has not the size or the digest that the hub lists",
  },
  ledger_broken: {
    kind: "artifact",
    means:
      "a row was changed, does not follow from the row before it, or disagrees with the results that " +
      "it names",
  },
  ledger_contended: {
    kind: "artifact",
    means: "other writers appended to the ledger 1,000 times in a row before this one could",
  },
  store_format_newer: { kind: "artifact", means: "a newer Ratchet wrote the store" },
  store_name_invalid: { kind: "artifact", means: "neither `dir:/path` nor `s3://bucket/prefix`" },
  tokenizer_invalid: {
    kind: "artifact",
    means: "a tokenizer's files cannot be read: truncated, contradictory, or not in the format",
  },
  unrepairable: {
    kind: "artifact",
    means:
      "`repair` cannot compute the damaged artifact again: its inputs are damaged too, or the " +
      "author gave it (`start` with the campaign file uploads it again), or it is a ledger row, or " +
      "it came out with other bytes",
  },

  // resource
  blob_vanished: {
    kind: "resource",
    means:
      "`prune` deleted a blob between its writing and its commit, because its grace was shorter " +
      "than the stage",
  },
  bucket_missing: {
    kind: "resource",
    retry: "forever",
    means: "the bucket does not exist: create it, or check the name and the endpoint",
  },
  cache_cleared: {
    kind: "resource",
    means:
      "a model's files disappeared from the worker's cache while a stage used them. The next " +
      "attempt downloads them again",
  },
  control_pending: {
    kind: "resource",
    means:
      "the server accepted a pause, resume or cancel; a worker of `ratchet-control` carries it out " +
      "when one polls",
  },
  dev_already_running: {
    kind: "resource",
    means:
      "`dev`: a local process tree runs in this folder already. `run`: it does, and serves another store",
  },
  disk_full: {
    kind: "resource",
    retry: "forever",
    means:
      "no space is left: on the store's disk, or in the scratch folder or cache of the named " +
      "worker. Free some space; what was committed is safe",
  },
  engine_died: {
    kind: "resource",
    means:
      "the engine's process ended: killed, or out of memory. The message names the rows or the step " +
      "it was at",
  },
  engine_differs: {
    kind: "resource",
    means:
      "an outside engine does not compute what the campaign says; the message names the numbers or the " +
      "answer. Nothing of it is kept. Retried until 20 attempts in a row failed; correct the server or its " +
      "settings, then `start` the campaign again (docs/runtimes.md)",
  },
  file_refused: { kind: "resource", means: "the operating system refused a file" },
  module_env_missing: {
    kind: "resource",
    retry: "forever",
    means:
      "the worker lacks an environment variable that the spec asks for. Set it there, or let " +
      "another worker take the work",
  },
  hub_busy: {
    kind: "resource",
    means: "the hub answers 429 and asks for a wait of more than a minute, or did so five times in a row",
  },
  hub_unreachable: {
    kind: "resource",
    means:
      "the hub cannot be reached, answers 5xx five times in a row, breaks off, or does not answer " +
      "as a hub does",
  },
  labeler_denied: {
    kind: "resource",
    retry: "forever",
    means:
      "an API labeler's server refuses all requests: a wrong key, address or model, or an empty account. " +
      "The stage waits, and continues by itself when the server answers",
  },
  labeler_missing: {
    kind: "resource",
    retry: "forever",
    means:
      "the campaign names an API labeler that the worker's settings lack. Add it and restart the worker, " +
      "or let another worker take the work",
  },
  labeler_unreachable: {
    kind: "resource",
    retry: "forever",
    means:
      "an API labeler's server does not answer, is overloaded, or asks for a pause. The stage waits, and " +
      "continues by itself",
  },
  labels_short: {
    kind: "resource",
    retry: "never",
    means:
      "at its deadline, a questionnaire had labels of fewer comparisons to train on than `minimum`. " +
      "The campaign is paused: `resume --extend 2d` waits longer, `resume --accept` trains on what there is",
  },
  no_worker: { kind: "resource", means: "no worker polls the queue. The request was not recorded" },
  not_running: {
    kind: "resource",
    means: "the campaign has no open run on this server. `start` continues it from its ledger",
  },
  out_of_memory: {
    kind: "resource",
    means:
      "the engine found no memory. Training names the step and its rows (a smaller `microBatch` " +
      "helps); generation and scoring name the batch and its longest row",
  },
  owned_elsewhere: {
    kind: "resource",
    means: "another server runs the campaign. `--take-over` if that server is gone for good",
  },
  piece_poisoned: {
    kind: "resource",
    retry: "never",
    means:
      "a piece ended its process, or its worker, three times. The other pieces of its shard are " +
      "done. Look at its prompts, give the engine more memory and start again, or set " +
      "`generate.poison: drop`",
  },
  port_taken: { kind: "resource", means: "`dev`, `run` and `label`: another program has the port" },
  region_wrong: {
    kind: "resource",
    retry: "forever",
    means: "the bucket is in another region, or no region is set: set `AWS_REGION`",
  },
  run_ended: {
    kind: "resource",
    means: "somebody ended the run from outside; the campaign has not ended. `start` continues it",
  },
  runtime_died: {
    kind: "resource",
    means:
      "the server that the worker started did not start, or ended while several pieces used it. The " +
      "message has the end of its log",
  },
  runtime_refused: {
    kind: "resource",
    means:
      "an outside engine refuses requests: an unknown model, a wrong key, or a request that does not fit",
  },
  runtime_unavailable: {
    kind: "resource",
    retry: "forever",
    means:
      "the worker lacks the runtime that the campaign names, or its server serves another model or a " +
      "shorter context than the stage needs. The stage waits. Correct the worker's settings, restart the " +
      "server, or let another worker take the work",
  },
  runtime_unreachable: {
    kind: "resource",
    retry: "forever",
    means:
      "an outside engine does not answer, is overloaded, or broke off. The stage waits, and continues by " +
      "itself. The engine is checked again before anything is asked",
  },
  store_absent: {
    kind: "resource",
    means:
      "there is no store of that name. Only `dev`, `run`, `start` and `copy` make one, and none where " +
      "`.ratchet/dev.json` says that there was one",
  },
  store_denied: {
    kind: "resource",
    retry: "forever",
    means:
      "the store refused: the message names the call and the missing permission, or the credentials " +
      "are wrong or expired. The next try reads renewed credentials, without a restart, if the AWS " +
      "chain finds them in a file or a service",
  },
  store_differs: {
    kind: "resource",
    retry: "forever",
    means: "a worker of another store took the campaign's work. A worker of the right store can take it next",
  },
  store_unreachable: {
    kind: "resource",
    retry: "forever",
    means:
      "the store does not answer, the answer is not S3's, or the store is gone: unmounted, moved, or " +
      "another one is in its place",
  },
  store_unsupported: {
    kind: "resource",
    means:
      "several racing creates of one key succeeded, so a ledger would not be safe. Refused at " +
      "`start`, `run` and the start of a worker",
  },
  stuck: {
    kind: "resource",
    means:
      "a living engine made no progress for twenty times its longest piece or step (at least three " +
      "minutes; ten minutes before its first)",
  },
  temporal_denied: { kind: "resource", means: "the Temporal server refused the credentials" },
  temporal_missing: {
    kind: "resource",
    means: "the Temporal command was neither found, downloaded nor built",
  },
  temporal_namespace_unknown: { kind: "resource", means: "the Temporal server has no such namespace" },
  temporal_start_failed: { kind: "resource", means: "`dev` and `run`: Temporal's server did not start" },
  temporal_unreachable: { kind: "resource", means: "the Temporal server does not answer" },
  versitygw_missing: {
    kind: "resource",
    means: "the S3 server of the tests was neither found, downloaded nor built",
  },
  worker_draining: {
    kind: "resource",
    retry: "forever",
    means: "the worker is stopping. Another worker takes the work",
  },
  worker_killed: {
    kind: "resource",
    means: "a restarted worker found the attempts of its killed predecessor and failed them",
  },

  // scoring
  labeler_unclear: {
    kind: "scoring",
    means:
      "an API labeler gave no verdict to 20 comparisons in a row. `labels export --labels` shows its " +
      "answers as notes. Correct its prompt or model in the worker's settings, then start the campaign again",
  },
  module_bad_result: {
    kind: "scoring",
    means:
      "not one number from -1e100 to 1e100 (or one row of the role's shape) for each row, or a value that " +
      "is not plain data",
  },
  module_died: {
    kind: "scoring",
    means:
      "the module's process ended: by itself, or because it used more memory than `RATCHET_MODULE_BYTES`. " +
      "Retried; final the third time in a row",
  },
  module_threw: {
    kind: "scoring",
    means: "the module's function threw. Final, unless the error has `retryable: true`",
  },
  module_timeout: {
    kind: "scoring",
    means: "the module took longer than its `timeout`. Retried once, because the machine may have slept",
  },

  // training
  logits_not_finite: {
    kind: "training",
    means:
      "a generating policy has NaN logits: its training went wrong. The message names completion and prompt",
  },
  loss_not_finite: {
    kind: "training",
    means: "the loss became NaN or infinite: lower the learning rate, or look at the data",
  },
  reward_not_finite: {
    kind: "training",
    means:
      "a reward model or preference model returned NaN or infinity. The message names its digest " +
      "and the prompt. Nothing of the piece is committed",
  },

  // invariant
  graph_failed: { kind: "invariant", means: BROKEN },
  nothing_to_compare: { kind: "invariant", means: BROKEN },
  piece_missing: { kind: "invariant", means: BROKEN },
  prompts_differ: { kind: "invariant", means: BROKEN },
  role_forbidden: { kind: "invariant", means: BROKEN },
  score_not_finite: { kind: "invariant", means: BROKEN },
  shape_mismatch: { kind: "invariant", means: BROKEN },
  unclassified: {
    kind: "invariant",
    retry: "counted",
    means: "an error without a code. An activity retries it until 5 attempts in a row made no progress",
  },
  unreachable_state: { kind: "invariant", means: BROKEN },
} as const satisfies Record<string, CodeFacts>;

export type Code = keyof typeof CODES;

export const isCode = (code: unknown): code is Code => typeof code === "string" && Object.hasOwn(CODES, code);

export const kindOf = (code: Code): Kind => CODES[code].kind;

export function retryOf(code: Code): Retry {
  const facts: CodeFacts = CODES[code];
  return facts.retry ?? KINDS[facts.kind].retry;
}
