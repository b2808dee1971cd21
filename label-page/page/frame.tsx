// Around the question: who labels, how far they are, and what the page has to say.
import type { ComponentChildren, JSX } from "preact";
import type { Progress } from "../messages.ts";
import { Help } from "./help.tsx";
import type { State } from "./labeling.ts";

export function Frame({ state, children }: { state: State; children: ComponentChildren }): JSX.Element {
  const { session, question, end } = state;
  return (
    <>
      <header>
        <h1>Compare two answers</h1>
        {session && <p class="who">{session.labeler}</p>}
        {question && <ProgressView {...question.progress} />}
        {session && <Help instructions={session.instructions} />}
      </header>
      {question && end === undefined ? (
        <>
          <p class="notice" role="status">
            {messageOf(state)}
          </p>
          {children}
        </>
      ) : (
        <main>
          <p role="status">{messageOf(state)}</p>
        </main>
      )}
    </>
  );
}

function messageOf({ question, session, away, notice, end }: State): string | undefined {
  if (end !== undefined) return end;
  if (away) return "The server or its store does not answer. Nothing is lost: the page tries again.";
  if (question === null) return `${notice ? `${notice} ` : ""}Nothing to label now. The page looks for more.`;
  if (!session) return "Loading …";
  return notice;
}

function ProgressView({ mine, left, given, asked }: Progress): JSX.Element {
  return (
    <p class="progress">
      <progress max={asked} value={given} aria-label="Labels of all people" />
      {mine} by you, {left} left for you; {given} of {asked} in all
    </p>
  );
}
