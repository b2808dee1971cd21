// Whether our search attributes are registered on the server.
import type { NativeConnection } from "@temporalio/worker";
import { SEARCH_ATTRIBUTES } from "../campaign/ids.ts";

/** False where they are missing or may not be asked for: campaigns work without, only the web UI's filters do not. */
export async function searchAttributesRegistered(
  connection: NativeConnection,
  namespace: string,
): Promise<boolean> {
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    return Object.keys(SEARCH_ATTRIBUTES).every((name) => name in (customAttributes ?? {}));
  } catch {
    // Not everybody may call the operator service; correctness cannot depend on the answer.
    return false;
  }
}
