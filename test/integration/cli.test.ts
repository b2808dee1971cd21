// The `ratchet` command as a process: exit codes, JSON and bad input; and a small campaign on a real server
// from start to export.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cp, readdir, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { WrittenSpec } from "../../campaign/spec/schema.ts";
import { Workplace } from "../support/ratchet-command.ts";
import type { Ran } from "../support/ratchet-command.ts";
import { MATCHED, OFFLINE, smallShop } from "../support/small-shop.ts";
import { NO_TEMPORAL, openNamespace } from "../support/temporal.ts";
import type { TestNamespace } from "../support/temporal.ts";
import { STUCK_MS } from "../support/limits.ts";

/** How long a process takes to start and end here and now: limits are for the command's own time. */
const startMs = async (place: Workplace): Promise<number> => (await place.run("init", "--help")).ms;

/** For commands that check a spec and run nothing. */
const checked = (): WrittenSpec => smallShop({ seed: 1, perIteration: 16, sftRows: 40, baselines: [] });

const failedWith = (ran: Ran, code: string, exit: number): void => {
  assert.match(ran.stderr, new RegExp(`^error ${code}: `, "m"), ran.stderr);
  assert.equal(ran.exit, exit);
  assert.equal(ran.stdout, "", "an error prints nothing to stdout");
};

describe("the command line", { timeout: STUCK_MS }, () => {
  let place: Workplace;
  before(async () => {
    place = await Workplace.open();
  });
  after(() => place.close());

  it("says its version, lists its verbs, and guesses a misspelt one", async () => {
    assert.match((await place.run("--version")).stdout, /^\d+\.\d+\.\d+\n$/);
    assert.match((await place.run("--help")).stdout, /history \[options\] <campaign>/);
    const wrong = await place.run("histroy", "shop");
    failedWith(wrong, "usage_invalid", 2);
    assert.match(wrong.stderr, /hint: Did you mean history\?/);
  });

  it("writes a valid starter campaign, plans it without running it, and never overwrites it", async () => {
    const written = await place.run("init", "starter");
    assert.equal(written.stdout.trim(), join("starter", "campaign.yaml"));
    assert.match(written.stderr, /main\.js run starter\n/);
    assert.ok(
      (await readFile(join(place.dir, "starter/prompts.ts"), "utf8")).includes('from "ratchet-rlhf"'),
      "the starter uses only the package",
    );
    const plan = JSON.parse((await place.run("plan", "starter", "--json")).stdout) as {
      spec: { name: string };
      totals: { completions: number };
      specDigest: string;
    };
    assert.equal(plan.spec.name, "starter");
    assert.ok(plan.totals.completions > 1000);
    const valid = JSON.parse((await place.run("validate", "starter", "--json")).stdout) as {
      valid: boolean;
      specDigest: string;
    };
    assert.deepEqual(valid.specDigest, plan.specDigest);
    failedWith(await place.run("init", "starter"), "init_exists", 2);
  });

  it("writes a starter whose modules type-check against the package alone", async () => {
    await place.run("init", "checked");
    const root = fileURLToPath(new URL("../../../", import.meta.url));
    const compilerOptions = {
      module: "nodenext",
      target: "es2022",
      lib: ["es2023"],
      strict: true,
      noEmit: true,
      allowImportingTsExtensions: true,
      resolveJsonModule: true,
      skipLibCheck: true,
      types: ["node"],
      typeRoots: [join(root, "node_modules/@types")],
      paths: { "ratchet-rlhf": [join(root, "dist/index.d.ts")] },
    };
    await writeFile(join(place.dir, "checked/package.json"), JSON.stringify({ type: "module" }));
    await writeFile(
      join(place.dir, "checked/tsconfig.json"),
      JSON.stringify({ compilerOptions, include: ["*.ts"] }),
    );
    const { stdout } = await promisify(execFile)(process.execPath, [
      join(root, "node_modules/typescript/bin/tsc"),
      "-p",
      join(place.dir, "checked"),
    ]).catch((failed: { stdout: string }) => failed);
    assert.equal(stdout, "");
  });

  const bad: [string, string, number, (spec: WrittenSpec) => object][] = [
    ["a misspelt key", "spec_invalid", 2, (spec) => ({ ...spec, iteration: 3 })],
    [
      "a value out of range",
      "spec_invalid",
      2,
      (spec) => ({ ...spec, train: { ...spec.train, learningRate: -1 } }),
    ],
    [
      "one answer per prompt",
      "spec_conflict",
      2,
      (spec) => ({ ...spec, generate: { ...spec.generate, samples: [{ temperature: 1, count: 1 }] } }),
    ],
    [
      "a missing prompt file",
      "file_missing",
      2,
      (spec) => ({ ...spec, prompts: { ...spec.prompts, module: undefined, file: "nowhere.jsonl" } }),
    ],
    [
      "a module that throws",
      "module_threw",
      5,
      (spec) => ({ ...spec, prompts: { ...spec.prompts, module: "throws.ts" } }),
    ],
    [
      "a module that never returns",
      "module_timeout",
      5,
      (spec) => ({ ...spec, prompts: { ...spec.prompts, module: "hangs.ts", timeout: "500ms" } }),
    ],
    [
      "an answer longer than the model's context",
      "spec_conflict",
      2,
      (spec) => ({ ...spec, generate: { ...spec.generate, maxTokens: 96 } }),
    ],
  ];
  for (const [what, code, exit, change] of bad) {
    it(`refuses ${what} with ${code} and exit ${exit}`, async () => {
      await writeFile(
        join(place.dir, "throws.ts"),
        'export default () => { throw new Error("no prompts today"); };',
      );
      await writeFile(
        join(place.dir, "hangs.ts"),
        "export default () => new Promise(() => setInterval(() => {}, 1000));",
      );
      const path = await place.writeSpec("bad.json", change(checked()));
      failedWith(await place.run("validate", path), code, exit);
    });
  }

  it("suggests the right key for a misspelt one and names the line", async () => {
    await writeFile(
      join(place.dir, "typo.yaml"),
      "name: typo\npolicy:\n  path: x\nprompts:\n  file: y\niteratons: 3\n",
    );
    const { stderr } = await place.run("validate", "typo.yaml");
    assert.match(stderr, /typo\.yaml:6: .*iteratons/);
    assert.match(stderr, /iterations/);
  });

  const promptFiles: [string, string, object[]][] = [
    ["empty prompts", "file_empty", []],
    [
      "duplicate prompt ids",
      "duplicate_prompt_id",
      [
        { id: "a", prompt: "please send two pies by friday ." },
        { id: "a", prompt: "please send two cups by friday ." },
      ],
    ],
    ["too few prompts", "prompts_too_few", [{ id: "a", prompt: "please send two pies by friday ." }]],
  ];
  for (const [what, code, rows] of promptFiles) {
    it(`refuses ${what} with ${code}`, async () => {
      await writeFile(
        join(place.dir, "prompts.jsonl"),
        rows.map((row) => `${JSON.stringify(row)}\n`).join(""),
      );
      const { prompts, ...spec } = checked();
      const path = await place.writeSpec("prompts.json", {
        ...spec,
        prompts: { ...prompts, module: undefined, file: "prompts.jsonl" },
      });
      failedWith(await place.run("validate", path), code, 2);
    });
  }

  it("names what is missing when no store or no server is configured", async () => {
    failedWith(await place.run("list"), "store_missing", 2);
    const path = await place.writeSpec("small.json", checked());
    failedWith(await place.run("start", path, "--store", "dir:store"), "temporal_unreachable", 4);
    const unreachable = await place.run("start", path, "--store", "dir:store", "--address", "127.0.0.1:1");
    failedWith(unreachable, "temporal_unreachable", 4);
    assert.match(unreachable.stderr, /hint: .*ratchet dev/);
    assert.ok(unreachable.ms < 15_000 + 3 * (await startMs(place)), `${unreachable.ms} ms`);
  });

  it("says that a store cannot be reached, and what to check", async () => {
    await writeFile(join(place.dir, "a-file"), "");
    failedWith(await place.run("list", "--store", "dir:a-file/store"), "store_absent", 4);
    const away = await Workplace.open({
      AWS_ENDPOINT_URL: "http://127.0.0.1:1",
      AWS_REGION: "us-east-1",
      AWS_ACCESS_KEY_ID: "none",
      AWS_SECRET_ACCESS_KEY: "none",
    });
    const ran = await away.run("list", "--store", "s3://bucket/campaigns");
    failedWith(ran, "store_unreachable", 4);
    assert.match(
      ran.stderr,
      /s3:\/\/bucket\/campaigns did not answer .*ECONNREFUSED[\s\S]*hint: check AWS_ENDPOINT_URL/,
    );
    await away.close();
  });

  it("doctor exits with 4 if Temporal does not answer, and says what to do", async () => {
    const ran = await place.run("doctor", "--address", "127.0.0.1:1");
    assert.equal(ran.exit, 4, ran.stderr);
    assert.match(
      ran.stdout,
      /^temporal +failed +temporal_unreachable: no Temporal server answers at 127\.0\.0\.1:1$/m,
    );
    assert.match(ran.stdout, /^engine +ok /m);
    assert.match(ran.stderr, /^hint: temporal: start one here with `ratchet dev`/m);
  });

  it("creates no store for a mistyped name in a command that only reads", async () => {
    for (const verb of [
      ["list"],
      ["history", "shop"],
      ["status", "shop"],
      ["verify", "shop"],
      ["export", "shop", "--out", "model"],
      ["samples", "shop"],
    ]) {
      failedWith(await place.run(...verb, "--store", "dir:stoer"), "store_absent", 4);
    }
    assert.ok(!(await readdir(place.dir)).includes("stoer"));
  });

  it("refuses a campaign that the store does not have", async () => {
    failedWith(await place.run("history", "nothing", "--store", "dir:store"), "campaign_unknown", 2);
  });
});

describe("a small campaign through the command line", { skip: NO_TEMPORAL, timeout: STUCK_MS }, () => {
  let temporal: TestNamespace;
  let place: Workplace;
  let spec: string;
  const worker = () => place.start(["worker"]);

  before(async () => {
    temporal = await openNamespace();
    place = await Workplace.openOn(temporal);
    spec = await place.writeSpec(
      "small.json",
      smallShop({ seed: 3, iterations: 1, perIteration: 16, sftRows: 400, baselines: [OFFLINE, MATCHED] }),
    );
  });
  after(async () => {
    await place?.close();
    await temporal?.close();
  });

  it("starts without a worker, says so within 30 s, and refuses a pause within 10 s", async () => {
    const started = await place.run("start", spec, "--id", "night-1", "--json");
    assert.equal((JSON.parse(started.stdout) as { action: string }).action, "created", started.stderr);
    assert.match(
      started.stderr,
      /search attributes .* are not registered.*\n +temporal operator search-attribute create --address/,
    );

    // Runs the first suggested command, unchanged.
    const [node, main, ...watch] = /^next:\n {2}(.*)$/m.exec(started.stderr)?.[1]?.split(" ") ?? [];
    assert.deepEqual(
      [node, main === undefined ? "" : basename(main), ...watch],
      ["node", "main.js", "watch", "night-1"],
    );
    const watched = await place.run(...watch, "--timeout", "25s");
    assert.equal(watched.exit, 14);
    assert.match(watched.stderr, /waiting \d+ s: no worker polls ratchet/);

    const paused = await place.run("pause", "night-1", "--why", "lunch");
    failedWith(paused, "no_worker", 4);
    assert.ok(paused.ms < 10_000 + 3 * (await startMs(place)), `${paused.ms} ms, with the process's start`);
    assert.doesNotMatch((await place.run("history", "night-1", "--ledger")).stdout, /lunch/);
  });

  it("attaches to a running campaign, refuses another spec, and follows it to its end", async () => {
    const running = worker();
    assert.equal(
      (JSON.parse((await place.run("start", spec, "--id", "night-1", "--json")).stdout) as { action: string })
        .action,
      "attached",
    );
    const other = await place.run("start", spec, "--id", "night-1", "--seed", "4");
    failedWith(other, "campaign_differs", 2);
    assert.match(other.stderr, /seed: 3 → 4/);

    const followed = await place.run("watch", "night", "--json");
    assert.equal(followed.exit, 0, followed.stderr);
    const events = followed.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { type: string });
    assert.equal(events.at(-1)?.type, "ended");
    assert.ok(events.some(({ type }) => type === "stages"));
    running.kill("SIGTERM");
  });

  it("doctor exits with 0 if store and Temporal are in order, and prints its findings as JSON", async () => {
    const ran = await place.run("doctor", "--json");
    assert.equal(ran.exit, 0, ran.stdout);
    const findings = JSON.parse(ran.stdout) as { name: string; state: string; hint?: string }[];
    for (const name of ["node", "engine", "modules", "store", "temporal"])
      assert.equal(findings.find((finding) => finding.name === name)?.state, "ok", `${name}: ${ran.stdout}`);
    assert.match(
      findings.find(({ name }) => name === "search attributes")?.hint ?? "",
      /^temporal operator search-attribute create/,
    );
  });

  it("start of a completed campaign returns its recorded result and exits with 0", async () => {
    const again = JSON.parse((await place.run("start", spec, "--id", "night-1", "--json")).stdout) as {
      action: string;
      outcome: { status: string };
    };
    assert.deepEqual([again.action, again.outcome.status], ["completed", "completed"]);
    const status = JSON.parse((await place.run("status", "night-1", "--json")).stdout) as {
      status: string;
      finished: number;
    };
    assert.deepEqual([status.status, status.finished], ["completed", 1]);
  });

  it("reads the record with the store alone: history, list, samples", async () => {
    const history = JSON.parse((await place.run("history", "night-1", "--json")).stdout) as {
      places: {
        place: string;
        pairs?: number;
        steps?: number;
        weights: string;
        test: { judgedBy: string };
        work: Record<string, { attempts: number }>;
      }[];
    };
    const [, iteration, ...baselines] = history.places;
    assert.deepEqual(history.places.map(({ place: name }) => name).sort(), [
      "base-matched.1",
      "base-offline.1",
      "it-0000.1",
      "it-0001.1",
    ]);
    assert.deepEqual([iteration?.pairs, iteration?.steps], [8, 2]);
    for (const { place: baseline, pairs, steps } of baselines)
      assert.deepEqual([pairs, steps], [8, 2], `${baseline} trained on as much as the iterations`);
    assert.deepEqual(new Set(history.places.map(({ test }) => test.judgedBy)), new Set(["gold"]));
    assert.match(history.places[1]?.weights ?? "", /^[0-9a-f]{64}$/);
    assert.equal(history.places[1]?.work["train"]?.attempts, 1);
    const table = (await place.run("history", "night-1")).stdout;
    assert.match(table, /^night-1 is completed; promoted: it-000[01]\.1 ★, policy [0-9a-f]{12}\n/);
    assert.match(table, /^it-000[01]\.1 ★ .* \d:\d\d:\d\d +\d:\d\d:\d\d$/m);
    const lines = (await place.run("history", "night-1", "--csv")).stdout.split("\r\n");
    assert.deepEqual(
      lines.map((line) => line.split(",")[1]),
      ["place", ...history.places.map(({ place: name }) => name), undefined],
    );
    const diff = await place.run("diff", "night-1/0", "night-1/1", "--samples", "1");
    assert.match(
      diff.stdout,
      /^win rate: .*\nPaired over the same \d+ prompts of the test split\.$/m,
      diff.stderr,
    );
    assert.match(diff.stdout, /^settings: the same\ndata: \d+ differ\n {2}trained/m);
    assert.match(diff.stdout, /night-1 it-0000\.1, score .* \| night-1 it-0001\.1, score /);
    assert.match((await place.run("list")).stdout, /night-1 +completed +1\/1/);
    const kept = await place.run("list", "--state", "completed", "--since", "1d", "--json");
    assert.deepEqual(
      (JSON.parse(kept.stdout) as { campaignId: string }[]).map(({ campaignId }) => campaignId),
      ["night-1"],
    );
    assert.equal((await place.run("list", "--name", "day", "--json")).stdout, "[]\n");
    failedWith(await place.run("list", "--state", "done"), "usage_invalid", 2);
    failedWith(await place.run("list", "--since", "2026-13-01"), "usage_invalid", 2);
    assert.match(
      (await place.run("samples", "night-1/1/pair", "--limit", "1")).stdout,
      /chosen .*: [\s\S]*rejected .*: /,
    );
    failedWith(await place.run("samples", "night-1/7"), "address_unknown", 2);
  });

  it("verifies a sound store, and finds one changed byte in a copy", async () => {
    const sound = await place.run("verify", "night-1", "--json");
    assert.deepEqual([(JSON.parse(sound.stdout) as { problems: unknown[] }).problems, sound.exit], [[], 0]);
    await cp(join(place.dir, "store"), join(place.dir, "copy"), { recursive: true });
    for (const [folder, code] of [
      ["blobs", "artifact_corrupt"],
      ["campaigns/night-1/results", "artifact_corrupt"],
      ["campaigns/night-1/ledger", "ledger_broken"],
    ]) {
      const restore = await flipByte(await largestFile(join(place.dir, "copy", folder ?? "")));
      const damaged = await place.run("verify", "night-1", "--store", "dir:copy");
      await restore();
      assert.equal(damaged.exit, 3, `${folder}: ${damaged.stdout}`);
      assert.match(damaged.stdout, new RegExp(code ?? ""));
    }
  });

  it("signs the head of a ledger, and finds by it that the last row of a copy was cut", async () => {
    assert.match((await place.run("key", "ada")).stdout, /^ada\+[0-9a-f]{8}\+\S+\n$/);
    assert.equal((await stat(join(place.dir, "ada.key"))).mode & 0o777, 0o600);
    failedWith(await place.run("key", "ada"), "export_exists", 2);
    const signed = await place.run("head", "night-1", "--sign", "ada.key", "--out", "night.head");
    assert.match(signed.stdout, /^night-1 row \d+ head [0-9a-f]{64}\n.*night\.head\n$/);
    const anchored = ["verify", "night-1", "--key", "ada.key.pub", "--head", "night.head"];
    const sound = await place.run(...anchored);
    assert.match(sound.stdout, /^anchor: row \d+, signed by ada at .*, which is the last row$/m);
    failedWith(await place.run("verify", "night-1", "--head", "night.head"), "usage_invalid", 2);

    const ledger = join(place.dir, "copy/campaigns/night-1/ledger");
    await rm(join(ledger, (await readdir(ledger)).toSorted().at(-1)!));
    const unaware = await place.run("verify", "night-1", "--store", "dir:copy");
    assert.match(unaware.stdout, /^night-1 is sound: [^]*^no anchor: /m);
    const cut = await place.run(...anchored, "--store", "dir:copy");
    assert.equal(cut.exit, 3);
    assert.match(cut.stdout, /head_missing: row \d+ was cut off at the end of the ledger of night-1/);
    assert.match(cut.stdout, /^anchor: row \d+, signed by ada .*: the ledger was cut at row \d+$/m);
  });

  it("prunes, copies and erases; a dry run shows what prune would delete", async () => {
    await cp(join(place.dir, "store"), join(place.dir, "kept"), { recursive: true });
    const dry = JSON.parse(
      (await place.run("prune", "--dry-run", "--grace", "0s", "--json", "--store", "dir:kept")).stdout,
    ) as { blobs: { count: number } };
    const pruned = JSON.parse(
      (await place.run("prune", "--grace", "0s", "--json", "--store", "dir:kept")).stdout,
    ) as { blobs: { count: number } };
    assert.deepEqual(pruned.blobs, dry.blobs);
    assert.match(
      (await place.run("copy", "night-1", "--to", "dir:elsewhere", "--store", "dir:kept")).stdout,
      /^night-1 is copied to dir:.*elsewhere: \d+ ledger rows/,
    );
    const samples = JSON.parse(
      (await place.run("samples", "night-1/1/generate", "--limit", "1", "--json", "--store", "dir:elsewhere"))
        .stdout,
    ) as { rows: { promptId: string }[] };
    const promptId = samples.rows[0]?.promptId ?? "";
    failedWith(await place.run("erase", promptId, "--store", "dir:elsewhere"), "usage_invalid", 2);
    const erased = JSON.parse(
      (
        await place.run(
          "erase",
          promptId,
          "--why",
          "asked to be forgotten",
          "--json",
          "--store",
          "dir:elsewhere",
        )
      ).stdout,
    ) as { blobs: number; campaigns: string[] };
    assert.ok(
      erased.blobs >= 3,
      `prompts, completions and scores, and pairs if there are any: ${erased.blobs}`,
    );
    const verified = await place.run("verify", "night-1", "--store", "dir:elsewhere");
    assert.equal(verified.exit, 0, verified.stdout);
    assert.match(verified.stdout, /night-1 is sound: .*, \d+ erased/);
    assert.match(
      (await place.run("history", "night-1", "--ledger", "--store", "dir:elsewhere")).stdout,
      /erased by .*: asked to be forgotten/,
    );
    assert.doesNotMatch(
      (await place.run("samples", "night-1/1/generate", "--json", "--store", "dir:elsewhere")).stdout,
      new RegExp(`"${promptId}"`),
    );
    assert.equal((await place.run("repair", "night-1")).stdout, "night-1 is sound: nothing to repair\n");
  });

  it("exports the promoted checkpoint and the pairs, and overwrites neither", async () => {
    assert.equal((await place.run("export", "night-1", "--out", "model")).exit, 0);
    assert.ok((await readdir(join(place.dir, "model"))).includes("model.safetensors"));
    const card = await readFile(join(place.dir, "model/README.md"), "utf8");
    assert.match(card, /^---\nlibrary_name: transformers\n[^]*\n---\n\n# night-1 it-000[01]\.1\n/);
    failedWith(await place.run("export", "night-1", "--out", "model"), "export_exists", 2);
    assert.equal((await place.run("export", "night-1/1", "--pairs", "--out", "pairs.jsonl")).exit, 0);
    const [row] = (await readFile(join(place.dir, "pairs.jsonl"), "utf8")).split("\n");
    assert.deepEqual(
      Object.keys(JSON.parse(row ?? "") as object).filter((key) =>
        ["prompt", "chosen", "rejected"].includes(key),
      ),
      ["prompt", "chosen", "rejected"],
    );
  });

  const damages: [string, string, number, (dir: string) => Promise<void>][] = [
    ["truncated weights", "checkpoint_invalid", 3, (dir) => truncate(join(dir, "model.safetensors"), 5000)],
    [
      "an unsupported architecture",
      "architecture_unsupported",
      2,
      (dir) =>
        edit(join(dir, "config.json"), (config) => ({
          ...config,
          model_type: "gpt2",
          architectures: ["GPT2LMHeadModel"],
        })),
    ],
    [
      "a tokenizer of another model",
      "tokenizer_mismatch",
      2,
      (dir) => edit(join(dir, "tokenizer.json"), withForeignToken),
    ],
  ];
  for (const [what, code, exit, damage] of damages) {
    it(`refuses a checkpoint with ${what}`, async () => {
      const dir = join(place.dir, `model-${code}`);
      await cp(join(place.dir, "model"), dir, { recursive: true });
      await damage(dir);
      const { policy: _policy, ...rest } = checked();
      const path = await place.writeSpec("given.json", { ...rest, policy: { path: dir } });
      const ran = await place.run("validate", path);
      assert.match(ran.stderr, /^error (\w+): /m);
      assert.deepEqual([/^error (\w+): /m.exec(ran.stderr)?.[1], ran.exit], [code, exit], ran.stderr);
    });
  }

  it("a judge of nonsense is refused before the start; later it ends with exit 10", async () => {
    const running = worker();
    const judge = join(place.dir, "nonsense.ts");
    const small = smallShop({ seed: 5, iterations: 1, perIteration: 16, sftRows: 100, baselines: [] });
    const path = await place.writeSpec("nonsense.json", {
      ...small,
      evaluate: { ...small.evaluate, judge: { module: judge } },
    });
    await writeFile(judge, "export default (rows: unknown[]) => rows.map(() => Number.NaN);");
    failedWith(await place.run("run", path, "--id", "nonsense"), "module_bad_result", 5);
    failedWith(await place.run("status", "nonsense"), "campaign_unknown", 2);
    // Seeds of the call before the start begin with `validate-`.
    const later = "rows.map(({ seed }) => (seed.startsWith('validate-') ? 0.5 : Number.NaN))";
    await writeFile(judge, `export default (rows: { seed: string }[]) => ${later};`);
    const ran = await place.run("run", path, "--id", "nonsense");
    assert.equal(ran.exit, 10, ran.stderr);
    assert.match(ran.stderr, /^error module_bad_result: /m);
    assert.match(
      ran.stderr,
      /temporal operator search-attribute create --address \S+ --namespace test-/,
      "run suggests it as start does",
    );
    running.kill("SIGTERM");
  });

  it("records who paused, resumed or cancelled, and why; reopens only with --resume", async () => {
    const running = worker();
    const path = await place.writeSpec(
      "long.json",
      // Long by its iterations: each `start` compiles all rows.
      smallShop({ seed: 6, iterations: 8, perIteration: 16, sftRows: 400, baselines: [] }),
    );
    assert.equal((await place.run("start", path, "--id", "long")).exit, 0);
    const paused = await place.run("pause", "long", "--why", "lunch", "--by", "ada", "--json");
    assert.equal((JSON.parse(paused.stdout) as { status: string }).status, "paused", paused.stderr);
    failedWith(await place.run("pause", "long"), "already_paused", 2);
    assert.equal((await place.run("resume", "long", "--why", "back")).exit, 0);
    assert.equal((await place.run("cancel", "long", "--why", "enough")).exit, 0);
    assert.equal((await place.run("watch", "long")).exit, 11);
    assert.match(
      (await place.run("history", "long", "--ledger")).stdout,
      /paused by ada: lunch[\s\S]*resumed by .*: back[\s\S]*cancelled by .*: enough/,
    );
    failedWith(await place.run("start", path, "--id", "long"), "campaign_cancelled", 2);
    const reopened = await place.run("start", path, "--id", "long", "--resume", "--json");
    assert.equal((JSON.parse(reopened.stdout) as { action: string }).action, "reopened", reopened.stderr);
    assert.equal((await place.run("cancel", "long")).exit, 0);
    running.kill("SIGTERM");
  });
});

/** Changes one bit in the middle of the file; the returned function undoes it. */
async function flipByte(path: string): Promise<() => Promise<void>> {
  const bytes = await readFile(path);
  const changed = Buffer.from(bytes);
  changed[changed.length >> 1]! ^= 1;
  await writeFile(path, changed);
  return () => writeFile(path, bytes);
}

async function largestFile(folder: string): Promise<string> {
  const paths = (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const sizes = await Promise.all(paths.map(async (path) => ({ path, size: (await stat(path)).size })));
  return sizes.reduce((largest, other) => (other.size > largest.size ? other : largest)).path;
}

const withForeignToken = ({ model, ...rest }: Record<string, unknown>): object => {
  const { vocab, ...other } = model as { vocab: Record<string, number> };
  return { ...rest, model: { ...other, vocab: { ...vocab, foreign: 5000 } } };
};

async function edit(path: string, change: (json: Record<string, unknown>) => object): Promise<void> {
  await writeFile(
    path,
    JSON.stringify(change(JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>)),
  );
}
