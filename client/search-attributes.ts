// The search attributes that campaigns set where the namespace knows them, and the command that registers them.

export const SEARCH_ATTRIBUTES = { RatchetCampaign: "Keyword", RatchetPhase: "Keyword", RatchetIteration: "Int" } as const;

/** `temporal operator search-attribute create …` for the names that are missing. */
export function registerCommand(missing: string[], { address, namespace }: { address: string; namespace: string }): string {
  const attributes = Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => missing.includes(name));
  const flags = attributes.map(([name, type]) => `--name ${name} --type ${type}`).join(" ");
  return `temporal operator search-attribute create --address ${address} --namespace ${namespace} ${flags}`;
}
