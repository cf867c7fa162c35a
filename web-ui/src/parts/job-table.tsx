// A page of jobs. Rows never move by themselves: what happens to a job changes its row where it is.
import {useLayoutEffect, useState} from 'preact/hooks';

import {hasEnded, type ListedJob} from '../api/types';
import {enqueueCopy} from '../screens/enqueue/address';
import {carryOut, retry} from '../state/actions';
import {useKeys} from '../state/keys';
import {go, href} from '../state/place';
import {JobLink, QueueLink} from './job-link';
import {StateBadge} from './state-badge';
import {Span, Time} from './time';

export interface Selection {
  ids: ReadonlySet<string>;
  set: (ids: ReadonlySet<string>) => void;
}

interface Props {
  jobs: ListedJob[];
  /// Jobs that no longer belong here since the page was read.
  gone?: (job: ListedJob) => boolean;
  selection: Selection;
  hideQueue?: boolean;
}

function What({job}: {job: ListedJob}) {
  if (job.status === 'active' && job.progress !== null) return <span class="mini-progress"><progress max={100} value={job.progress} aria-label={`Progress of ${job.jobId}`} /><span class="num">{Math.round(job.progress)} %</span> <span class="muted clip">{job.message}</span></span>;
  const due = job.status === 'delayed' && job.runAt && <span class="muted">due <Time at={job.runAt} /></span>;
  if (job.lastError && job.status !== 'completed') return <span class="clip">{due}{due && ' · '}<span class="bad">{job.lastError.type}</span> <span class="muted">{job.lastError.message}</span></span>;
  if (due) return due;
  if (job.status === 'active') return <span class="muted clip">{job.workerId}</span>;
  return <span class="muted clip">{job.tags.join(', ')}</span>;
}

export function JobTable({jobs, gone, selection, hideQueue}: Props) {
  const [at, setAt] = useState(-1);
  const {ids, set} = selection;
  const chosen = jobs.filter(({jobId}) => ids.has(jobId));
  const toggle = (id: string) => {
    const next = new Set(ids);
    if (!next.delete(id)) next.add(id);
    set(next);
  };
  const move = (step: number) => setAt((old) => Math.max(0, Math.min(jobs.length - 1, old + step)));
  // At once: after the next key it would take the focus away from where that went.
  useLayoutEffect(() => {
    if (at >= 0) document.querySelector<HTMLElement>(`[data-row="${at}"] a`)?.focus();
  }, [at]);
  const current = jobs[at];
  useKeys([
    {keys: 'j', does: 'Next row', run: () => move(1)},
    {keys: 'k', does: 'Row before', run: () => move(-1)},
    {keys: 'x', does: 'Select the row', run: () => current && toggle(current.jobId)},
    {keys: 'r', does: 'Retry the row’s job', run: () => current && void carryOut(retry(current.jobId))},
    {keys: 'e', does: 'Edit and run the row’s job again', run: () => current && go(enqueueCopy(current.jobId))},
  ]);
  return (
    <div class="table-scroll">
      <table class="list jobs">
        <thead>
          <tr>
            <th scope="col" class="select">
              <input type="checkbox" aria-label="Select all on this page" checked={jobs.length > 0 && chosen.length === jobs.length} ref={(box) => { if (box) box.indeterminate = chosen.length > 0 && chosen.length < jobs.length; }} onChange={() => set(chosen.length === jobs.length ? new Set() : new Set(jobs.map(({jobId}) => jobId)))} />
            </th>
            <th scope="col">State</th>
            <th scope="col">Job</th>
            {!hideQueue && <th scope="col" class="wide">Queue</th>}
            <th scope="col" class="wide">Id</th>
            <th scope="col" class="num wide">Attempts</th>
            <th scope="col" class="stretch wide">Details</th>
            <th scope="col" class="num wide">Ran</th>
            <th scope="col" class="num">Submitted</th>
          </tr>
        </thead>
        <tbody>
          {jobs.map((job, index) => (
            <tr key={job.jobId} data-row={index} data-job={job.jobId} class={`${index === at ? 'at' : ''} ${gone?.(job) ? 'gone' : ''}`} aria-selected={ids.has(job.jobId)}>
              <td class="select"><input type="checkbox" aria-label={`Select ${job.jobId}`} checked={ids.has(job.jobId)} onChange={() => toggle(job.jobId)} /></td>
              <td><StateBadge status={job.status} /></td>
              <th scope="row"><a href={href('jobs', job.jobId)}>{job.name}</a></th>
              {!hideQueue && <td class="wide"><QueueLink queue={job.queue} /></td>}
              <td class="wide"><JobLink id={job.jobId} /></td>
              <td class="num wide">{job.attemptsMade}<span class="muted">/{job.maxAttempts}</span></td>
              <td class="stretch wide"><What job={job} /></td>
              <td class="num wide"><Span from={job.startedAt} to={job.finishedAt ?? (job.status === 'active' ? null : job.startedAt)} /></td>
              <td class="num"><Time at={job.createdAt} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/// What an event says, put into the job's row.
export function changed(job: ListedJob, event: import('../api/types').JobEvent): ListedJob {
  const next = {...job, status: event.status};
  if (event.kind === 'progress') {
    next.progress = event.progress ?? job.progress;
    next.message = event.message ?? job.message;
  }
  if (event.kind === 'status') {
    if (event.status === 'active') next.startedAt = event.at;
    if (hasEnded(event.status)) next.finishedAt = event.at;
    else next.finishedAt = null;
    if (event.status === 'delayed') next.runAt = null;
    if (event.errorType) next.lastError = {attempt: event.attempt, at: event.at, type: event.errorType, message: '', stack: '', workerId: null};
    next.attemptsMade = Math.max(job.attemptsMade, ['completed', 'failed', 'delayed'].includes(event.status) ? event.attempt : event.attempt - 1, 0);
  }
  return next;
}
