// The campaign's instructions and the keys: open at the first visit.
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useKeys } from "./keys.ts";
import { Markdown } from "./markdown.tsx";
import { help } from "./memory.ts";

const KEYS = [
  ["A B", "answer A or B is better"],
  ["T", "tie"],
  ["X", "both bad"],
  ["1 2 3", "slightly, clearly, far better"],
  ["Enter", "send"],
  ["N", "write a note; Esc leaves it"],
  ["S", "skip"],
  ["U", "undo: take back the last label"],
  ["?", "these instructions"],
] as const;

export function Help({ instructions }: { instructions: string }): JSX.Element {
  const details = useRef<HTMLDetailsElement>(null);
  const [isFirstVisit] = useState(() => !help.wasRead());
  useEffect(() => help.markRead(), []);
  useKeys({ "?": () => details.current && (details.current.open = !details.current.open) });
  return (
    <details ref={details} open={isFirstVisit}>
      <summary>Instructions and keys</summary>
      <Markdown text={instructions} />
      <dl>
        {KEYS.map(([keys, what]) => (
          <div>
            <dt>
              {keys.split(" ").map((key) => (
                <kbd>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </details>
  );
}
