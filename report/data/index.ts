// A campaign's report as data: a pure function of its record.
import { interval } from "../digits.ts";
import type { ReportRecord } from "../record.ts";
import { decisionsSection, period } from "./decisions.ts";
import { labelsSection } from "./labels.ts";
import { policiesOf, shownName } from "./policies.ts";
import type { Policy } from "./policies.ts";
import { provenanceSection } from "./provenance.ts";
import { auditSection, proxySection } from "./proxy.ts";
import { judges, resultsSection } from "./results.ts";
import { samplesSection } from "./samples.ts";
import { lengthSection, trainingSection } from "./training.ts";
import type { ReportData, Section } from "./types.ts";
import { workSection } from "./work.ts";

export function reportData(record: ReportRecord): ReportData {
  const { campaign, ledger, spec, head } = record;
  const policies = policiesOf(record);
  const { from, to } = period(ledger);
  const sections = [
    resultsSection(record, policies),
    proxySection(policies),
    auditSection(policies),
    lengthSection(record, policies),
    trainingSection(record),
    labelsSection(record),
    decisionsSection(record),
    workSection(record),
    samplesSection(record),
    provenanceSection(record),
  ];
  return {
    title: campaign.campaignId,
    facts: [
      { name: "status", value: campaign.status },
      { name: "spec", value: `${campaign.name}, ${campaign.specDigest.slice(0, 12)}` },
      { name: "ledger", value: `${ledger.length} rows, head ${head.slice(0, 12)}` },
      { name: "from", value: `${from} UTC` },
      { name: "to", value: `${to} UTC` },
      { name: "seed", value: String(spec.seed) },
    ],
    unfinished: unfinished(record),
    findings: findings(record, policies),
    sections: sections.filter((section): section is Section => section !== undefined),
  };
}

function unfinished({ campaign, places, spec }: ReportRecord): string | undefined {
  if (campaign.status === "completed") return undefined;
  const finished = new Set(places.flatMap(({ place }) => /^it-(\d+)\./.exec(place)?.[1] ?? []));
  const at =
    finished.size === 0
      ? "nothing of it has finished"
      : `${finished.size - 1} of ${spec.iterations} iterations have finished`;
  const failure = campaign.failure
    ? ` It failed with ${campaign.failure.code}: ${campaign.failure.message}`
    : "";
  return `This campaign has not completed: it is ${campaign.status}, and ${at}.${failure}`;
}

function findings({ campaign, spec }: ReportRecord, policies: readonly Policy[]): string[] {
  const promoted = policies.find((policy) => policy.promoted);
  if (!promoted) return [];
  const { winRate, lengthControlled, kl, length } = promoted.metrics;
  const won = winRate
    ? ` It wins ${interval(winRate)} of the comparisons with π₀ on the test split by ${judges(policies)}` +
      (lengthControlled ? `, and ${interval(lengthControlled)} at equal length.` : ".")
    : "";
  const [first] = policies;
  return [
    `Promoted: ${shownName(promoted)} of ${spec.iterations} planned iterations, ` +
      `policy ${campaign.promoted?.policy.slice(0, 12)}.${won}`,
    ...(first && first !== promoted
      ? [
          `Its answers have ${length.toFixed(1)} tokens (π₀: ${first.metrics.length.toFixed(1)}); ` +
            `KL from π₀ is ${kl.toFixed(2)} nats per answer.`,
        ]
      : []),
  ];
}
