// `ratchet label`: serves the page where people label, until Ctrl-C.
import type { Command } from "commander";
import { Option } from "commander";
import { join } from "node:path";
import { LABELER } from "../campaign/labeling/types.ts";
import { RatchetError } from "../errors/index.ts";
import { findDevJson, STATE_FOLDER } from "../dev/dev-json.ts";
import { makePrivate } from "../dev/private-folder.ts";
import type { LabelSource } from "../labels/source.ts";
import type { Access } from "../label-page/index.ts";
import { openClientIfReachable, using } from "./context.ts";
import { parseDuration } from "./durations.ts";
import { data, note } from "./output.ts";
import { printError } from "./exit.ts";

interface LabelFlags {
  labelers?: string[];
  port: number;
  instructions?: string;
  expires: number;
  newLink?: string[];
  revoke?: string[];
  url?: string;
}

const PORT = 7480;
const VALID = "14d";

export const labelVerb = (program: Command): Command =>
  program
    .command("label")
    .description("serve the page where people label, on 127.0.0.1, until Ctrl-C")
    .argument("<campaign>")
    .option("--labelers <names>", "pseudonyms, comma-separated: each gets a link", parseLabelers)
    .option("--port <number>", "port of the page (0: any free one)", parsePort, PORT)
    .option("--instructions <file>", "Markdown that the page shows")
    .addOption(
      new Option("--expires <duration>", "how long new links and their sessions work")
        .argParser(parseDuration)
        .default(parseDuration(VALID), VALID),
    )
    .option("--new-link <names>", "give these labelers another link", parseLabelers)
    .option("--revoke <names>", "end these labelers' links and sessions, and serve nothing", parseLabelers)
    .option("--url <origin>", "https://label.example.org, if a proxy serves the page there", parseOrigin)
    .action(async (campaign: string, flags: LabelFlags, command: Command) => {
      await using(openClientIfReachable(command), async (client) => {
        const { Access } = await import("../label-page/index.ts");
        const source = await client.labelSource(campaign);
        const folder = findDevJson()?.stateDir ?? join(process.cwd(), STATE_FOLDER);
        makePrivate(folder);
        const access = new Access(folder, `${client.store.name} ${source.campaignId}`);
        await (flags.revoke ? revoke(access, flags.revoke) : serve(source, access, flags));
      });
    });

/** Until a signal ends the process (signals.ts): all that was given is in the store. */
async function serve(source: LabelSource, access: Access, flags: LabelFlags): Promise<never> {
  const { labelers, port, instructions, url } = flags;
  if (!labelers)
    throw new RatchetError("usage_invalid", "`label` needs --labelers, for example --labelers ada,ben");
  const [{ serveLabels }, { questionnairesOf }] = await Promise.all([
    import("../label-page/index.ts"),
    import("../labels/questionnaires.ts"),
  ]);
  const { origin } = await serveLabels({
    source,
    access,
    labelers,
    port,
    instructions,
    publicOrigin: url,
    report: (error) => void printError(error),
  });
  await printLinks(access, origin, labelers, flags);
  if (
    (await questionnairesOf(source.store, source.campaignId, (await source.decided()).repairs)).length === 0
  )
    note(`${source.campaignId} asks nobody for labels (yet): the page waits for its first questionnaire`);
  note(`people label ${source.campaignId} on ${origin}; Ctrl-C ends the page, and loses nothing`);
  return new Promise(() => undefined);
}

async function revoke(access: Access, labelers: readonly string[]): Promise<void> {
  for (const labeler of labelers)
    data(`${labeler}: ${await access.revoke(labeler)} links and sessions ended`);
}

/** A link is printed once, because only its hash is stored. */
async function printLinks(
  access: Access,
  origin: string,
  labelers: readonly string[],
  { newLink = [], expires }: LabelFlags,
): Promise<void> {
  for (const labeler of labelers) {
    const link = access.linkOf(labeler);
    if (link.state === "none" || newLink.includes(labeler)) {
      const { secret, expiresAt } = await access.makeLink(labeler, expires);
      data(`${labeler}  ${origin}/#${secret}  until ${day(expiresAt)}`);
    } else {
      const what = link.state === "in-use" ? "is signed in" : "has a link that nobody has opened yet";
      note(`${labeler} ${what}, until ${day(link.expiresAt)}; --new-link ${labeler} makes another link`);
    }
  }
}

const day = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace("T", " ");

function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port < 65_536) return port;
  throw new RatchetError("usage_invalid", `${JSON.stringify(text)} is no port: 0 to 65535`);
}

function parseLabelers(text: string): string[] {
  const names = text.split(",").map((name) => name.trim());
  const wrong = names.find((name) => !LABELER.test(name));
  if (wrong === undefined) return [...new Set(names)];
  throw new RatchetError("usage_invalid", `${JSON.stringify(wrong)} is no pseudonym of a labeler`, {
    hint: "up to 63 letters, digits, - and _; the first a letter or digit; commas between names",
  });
}

/** A page behind a proxy without TLS would send its cookie in the clear. */
function parseOrigin(text: string): string {
  if (
    URL.canParse(text) &&
    new URL(text).protocol === "https:" &&
    new URL(text).origin === text.replace(/\/$/, "")
  )
    return new URL(text).origin;
  throw new RatchetError("usage_invalid", `${JSON.stringify(text)} is no origin with TLS`, {
    hint: "an origin is https://, the host and a port if it is not 443: https://label.example.org",
  });
}
