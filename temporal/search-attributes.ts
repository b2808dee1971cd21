// The command that registers search attributes where a namespace lacks them.
import { SEARCH_ATTRIBUTES } from "../campaign/ids.ts";

/** As the command line of Temporal spells the types. */
const FLAGS = { KEYWORD: "Keyword", INT: "Int" } as const;

/** `temporal operator search-attribute create …` for the names that are missing. */
export function registerCommand(
  missing: string[],
  { address, namespace }: { address: string; namespace: string },
): string {
  const attributes = Object.entries(SEARCH_ATTRIBUTES).filter(([name]) => missing.includes(name));
  const flags = attributes.map(([name, type]) => `--name ${name} --type ${FLAGS[type]}`).join(" ");
  return `temporal operator search-attribute create --address ${address} --namespace ${namespace} ${flags}`;
}
