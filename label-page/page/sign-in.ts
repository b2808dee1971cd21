// The link's secret is in the fragment of the address, which no browser sends to a server or in `Referer`. It
// leaves the address, and so the history, once the server has exchanged it for a cookie.

export async function signIn(send: (path: string, body: unknown) => Promise<unknown>): Promise<void> {
  const link = location.hash.slice(1);
  if (link === "") return;
  try {
    await send("/api/session", { link });
  } finally {
    history.replaceState(null, "", "/");
  }
}
