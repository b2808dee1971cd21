// Time that a labeler took: only while the page is seen. It comes from a clock that nobody sets.
import { useEffect, useRef } from "preact/hooks";

export function useSeconds(): () => number {
  const seen = useRef({ ms: 0, since: performance.now() });
  useEffect(() => {
    const change = (): void => {
      const { ms, since } = seen.current;
      const now = performance.now();
      seen.current = { ms: document.hidden ? ms + now - since : ms, since: now };
    };
    document.addEventListener("visibilitychange", change);
    return () => document.removeEventListener("visibilitychange", change);
  }, []);
  return () => {
    const { ms, since } = seen.current;
    return Math.round((ms + (document.hidden ? 0 : performance.now() - since)) / 100) / 10;
  };
}
