// Damage on the way is not damage in the store: what does not fit its name is read once more before it is called damaged.
import { RatchetError } from "../errors/index.ts";

export async function again<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof RatchetError)) throw error;
    return read();
  }
}
