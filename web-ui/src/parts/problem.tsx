// A failure, in the form of RFC 9457: title, detail, what was wrong with each field, and the id that the broker's log has.
import type {Failure} from '../api/http';
import {CopyButton} from './copy-button';
import {Icon} from './icons';

export function ProblemText({failure}: {failure: Failure}) {
  const {problem} = failure;
  return (
    <>
      <strong>{problem.title}</strong>
      {problem.detail && <p>{problem.detail}</p>}
      {problem.errors && (
        <ul>
          {problem.errors.map((error) => <li key={error.pointer + error.detail}><code>{error.pointer || '/'}</code> {error.detail}</li>)}
        </ul>
      )}
      <p class="muted small-text">{failure.request} · {problem.status} · <code>{problem.type}</code>{problem.requestId && <> · request <code>{problem.requestId}</code></>}</p>
    </>
  );
}

export function copyOf({problem, request}: Failure): string {
  return `${request}\n${JSON.stringify(problem, null, 2)}`;
}

export function Problem({failure}: {failure: Failure}) {
  return (
    <div class="problem" role="alert">
      <Icon name="alert" />
      <div><ProblemText failure={failure} /></div>
      <CopyButton text={() => copyOf(failure)} what="the error" />
    </div>
  );
}
