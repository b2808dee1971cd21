// The page as nodes.
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Frame } from "./frame.tsx";
import { Labeling, START } from "./labeling.ts";
import { labeled } from "./memory.ts";
import { QuestionView } from "./question.tsx";

export function App(): JSX.Element {
  const [state, setState] = useState(START);
  const [labeling] = useState(() => new Labeling(setState));
  useEffect(() => labeling.start(), []);
  const { session, question, shown, busy } = state;
  return (
    <Frame state={state}>
      {session && question && (
        <QuestionView
          key={shown}
          question={question}
          noteMax={session.noteMax}
          busy={busy}
          canUndo={!labeled.isEmpty()}
          onLabel={(label) => labeling.label(label)}
          onSkip={() => labeling.skip(question)}
          onUndo={() => labeling.undo()}
        />
      )}
    </Frame>
  );
}
