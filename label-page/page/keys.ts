// Keys of the whole page. They rest while somebody writes a note, and leave Enter to a focused button.
import { useEffect, useRef } from "preact/hooks";

export function useKeys(actions: Record<string, () => unknown>): void {
  const newest = useRef(actions);
  newest.current = actions;
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
      const target = event.target as HTMLElement;
      if (target.closest("textarea") || (event.key === "Enter" && target.closest("button, summary"))) return;
      const action = newest.current[event.key.length === 1 ? event.key.toLowerCase() : event.key];
      if (!action) return;
      event.preventDefault();
      action();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, []);
}
