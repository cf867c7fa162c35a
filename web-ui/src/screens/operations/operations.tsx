// What goes on in the broker for many jobs at once, and what ended within a week.
import {useState} from 'preact/hooks';

import {api} from '../../api/api';
import type {Operation} from '../../api/types';
import {Empty} from '../../parts/empty';
import {Icon} from '../../parts/icons';
import {JobLink} from '../../parts/job-link';
import {Care, hasEnded, OperationButtons} from '../../parts/operation';
import {Problem} from '../../parts/problem';
import {Span, Time} from '../../parts/time';
import {href} from '../../state/place';
import {usePoll} from '../../state/use-poll';
import {count, duration, plural} from '../../text/format';

const stateIcons = {running: 'active', done: 'completed', cancelled: 'cancelled', paused: 'paused', stopped: 'stalled'} as const;

/// "queue mail, state failed, error Timeout"
export function filterWords({filter}: Operation): string {
  const {status, errorType, fingerprint, ...others} = filter;
  const parts = Object.entries(others).map(([key, value]) => `${key} ${String(value)}`);
  if (status) parts.push(`state ${Array.isArray(status) ? status.join(' or ') : status}`);
  if (errorType) parts.push(`error ${errorType}`);
  if (fingerprint) parts.push(`cause ${fingerprint}`);
  return parts.join(', ');
}

export function Operations() {
  const {data, failure, refresh} = usePoll('operations', (signal) => api.operations(signal), 1500);
  const list = data && [...data].reverse();
  return (
    <>
      <h1 class="visually-hidden" tabIndex={-1}>Bulk operations</h1>
      {failure && <Problem failure={failure} />}
      {list?.length === 0 && (
        <Empty icon="operations" title="No bulk operations">
          <p>Replaying or purging dead letters, and retrying, cancelling or deleting all <a href={href('jobs')}>jobs that match a search</a>, go on in the broker itself: close this page, or restart the broker, and they go on. They are listed here while they run, and for a week.</p>
        </Empty>
      )}
      {list && list.length > 0 && (
        <section class="panel" aria-label="Bulk operations">
          <header><h2>Bulk operations</h2><span class="muted small-text">newest first, kept for a week</span></header>
          <div class="table-scroll">
            <table class="list">
              <thead>
                <tr>
                  <th scope="col">Action</th><th scope="col">State</th><th scope="col" class="stretch wide">Which jobs</th><th scope="col" class="wide">Progress</th><th scope="col" class="num">Done</th>
                  <th scope="col" class="num wide" title="Jobs that had changed meanwhile">Skipped</th><th scope="col" class="num" title="Jobs whose state does not allow it">Refused</th><th scope="col" class="num wide">Took</th><th scope="col" class="wide">By</th><th scope="col" class="num">Started</th><th scope="col"><span class="visually-hidden">Actions</span></th>
                </tr>
              </thead>
              <tbody>{list.map((operation) => <Row key={operation.operationId} operation={operation} refresh={refresh} />)}</tbody>
            </table>
          </div>
        </section>
      )}
    </>
  );
}

function Row({operation, refresh}: {operation: Operation; refresh: () => void}) {
  const [open, setOpen] = useState(false);
  const {operationId, action, state, done, skipped, refused, left, perSecond, errors, startedAt, finishedAt} = operation;
  const over = done + skipped + refused;
  const share = !hasEnded(operation) && left !== null && left + over > 0 ? (100 * over) / (left + over) : null;
  return (
    <>
      <tr data-operation={operationId}>
        <th scope="row">{action}</th>
        <td><span class={`badge state-${stateIcons[state]}`}><Icon name={stateIcons[state]} />{state}</span></td>
        <td class="stretch wide"><span class="clip" title={filterWords(operation)}>{filterWords(operation)}{perSecond !== null && <span class="muted">, {perSecond}/s</span>}{operation.into && <span class="muted">, into {operation.into}</span>}<Care operation={operation} /></span></td>
        <td class="wide">
          {share !== null && <span class="mini-progress"><progress max={100} value={share} aria-label={`Progress of ${action}`} /><span class="num">{Math.floor(share)} %</span>{perSecond !== null && left !== null && <span class="muted">{duration((left / perSecond) * 1000)} left</span>}</span>}
          {state === 'running' && share === null && <span class="muted">being counted</span>}
        </td>
        <td class="num">{count(done)}</td>
        <td class="num wide">{skipped > 0 ? count(skipped) : <span class="muted">0</span>}</td>
        <td class="num">{refused > 0 ? <button type="button" class="button small quiet" aria-expanded={open} onClick={() => setOpen(!open)}>{count(refused)}</button> : <span class="muted">0</span>}</td>
        <td class="num wide"><Span from={startedAt} to={finishedAt} /></td>
        <td class="wide clip-cell" title={operation.address ?? undefined}>{operation.actor ?? operation.address}</td>
        <td class="num"><Time at={startedAt} /></td>
        <td>{!hasEnded(operation) && <span class="actions"><OperationButtons operation={operation} then={refresh} /></span>}</td>
      </tr>
      {open && (
        <tr>
          <td colSpan={11}>
            <ul class="errors">{errors.map(({jobId, detail}) => <li key={jobId}><JobLink id={jobId} /> {detail}</li>)}</ul>
            {refused > errors.length && <p class="muted">The first {plural(errors.length, 'refusal')} of {count(refused)}.</p>}
          </td>
        </tr>
      )}
    </>
  );
}
