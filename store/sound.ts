// Bytes can be damaged on their way as well as where they lie: what does not check out is read once more before it is called damage.

/** Undefined where nothing is there; throws what `check` throws the second time. */
export async function sound<B, T>(read: () => Promise<B | undefined>, check: (bytes: B) => T | Promise<T>): Promise<T | undefined> {
  const bytes = await read();
  if (bytes === undefined) return undefined;
  try {
    return await check(bytes);
  } catch {
    const again = await read();
    return again === undefined ? undefined : check(again);
  }
}
