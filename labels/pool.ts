/**
 * Does `work` for each item, `atOnce` at the same time. After a failure it begins no other item, waits for
 * those that it has begun, and throws the first failure.
 */
export async function inPool<T>(
  atOnce: number,
  items: AsyncGenerator<T>,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    try {
      for (let next = await items.next(); !next.done && failures.length === 0; next = await items.next())
        await work(next.value);
    } catch (error) {
      failures.push(error);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  if (failures.length > 0) throw failures[0];
}
