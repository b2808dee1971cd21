// Which of our search attributes a namespace lacks, and how it gets them. Their names and types are in
// campaign/ids.ts, because workflows set them too. Campaigns run without them; only the filters of Temporal's
// web UI do not work then.
import type { OperatorService } from "@temporalio/client";
import { SEARCH_ATTRIBUTES } from "../campaign/ids.ts";

/** A connection of the client's SDK or of the worker's. */
interface Operator {
  operatorService: OperatorService;
}

type AttributeType = (typeof SEARCH_ATTRIBUTES)[keyof typeof SEARCH_ATTRIBUTES];

/**
 * The types as Temporal's command line spells them, and as numbers of temporal.api.enums.v1.IndexedValueType.
 */
const TYPES: Record<AttributeType, { flag: string; indexed: number }> = {
  KEYWORD: { flag: "Keyword", indexed: 2 },
  INT: { flag: "Int", indexed: 3 },
};

export const ALL_SEARCH_ATTRIBUTES: readonly string[] = Object.keys(SEARCH_ATTRIBUTES);

/**
 * Rejects if the server does not answer, or if we may not call its operator service (Temporal Cloud has
 * none).
 */
export async function missingSearchAttributes(
  { operatorService }: Operator,
  namespace: string,
): Promise<string[]> {
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  return ALL_SEARCH_ATTRIBUTES.filter((name) => !(name in (customAttributes ?? {})));
}

export async function addMissingSearchAttributes(connection: Operator, namespace: string): Promise<void> {
  const missing = typesOf(await missingSearchAttributes(connection, namespace));
  if (missing.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(missing.map(([name, { indexed }]) => [name, indexed])),
  });
}

/** `temporal operator search-attribute create …` for the missing names. */
export function registerCommand(
  missing: readonly string[],
  { address, namespace }: { address: string; namespace: string },
): string {
  const flags = typesOf(missing).map(([name, { flag }]) => `--name ${name} --type ${flag}`);
  const command = "temporal operator search-attribute create";
  return `${command} --address ${address} --namespace ${namespace} ${flags.join(" ")}`;
}

const typesOf = (names: readonly string[]): [string, { flag: string; indexed: number }][] =>
  Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) =>
    names.includes(name) ? [[name, TYPES[type]]] : [],
  );
