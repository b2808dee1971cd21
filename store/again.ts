// Bytes can be damaged on their way from the store. So a read that fails is tried once more before it counts
// as damage.
import { RatchetError } from "../errors/index.ts";

export async function again<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof RatchetError && error.kind === "artifact")) throw error;
    return read();
  }
}
