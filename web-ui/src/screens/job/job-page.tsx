// One job: what it is, why it is not running, what happened to it, what it holds.
import {useEffect, useRef, useState} from 'preact/hooks';

import {api} from '../../api/api';
import {hasEnded, type Job, type LogLine, type Reason} from '../../api/types';
import type {HubMessage} from '../../live/hub';
import {useLive} from '../../live/live';
import {ActionButton} from '../../parts/action-button';
import {CopyButton} from '../../parts/copy-button';
import {Empty} from '../../parts/empty';
import {Icon} from '../../parts/icons';
import {JobLink, QueueLink} from '../../parts/job-link';
import {JsonView} from '../../parts/json-view';
import {Problem} from '../../parts/problem';
import {Progress} from '../../parts/progress';
import {StateBadge} from '../../parts/state-badge';
import {Time} from '../../parts/time';
import {cancel, carryOut, promote, remove, retry} from '../../state/actions';
import {queues} from '../../state/broker';
import {useKeys} from '../../state/keys';
import {go, href} from '../../state/place';
import {usePoll} from '../../state/use-poll';
import {enqueueCopy} from '../enqueue/address';
import {copyTag, movedTag} from '../enqueue/draft';
import {AttemptList} from './attempt-list';
import {attemptsOf} from './attempts';
import {PriorityDialog, RescheduleDialog} from './change-dialogs';
import {Facts} from './facts';
import {Logs} from './logs';
import {Next, Timeline} from './timeline';

/// The stream brings changes at once; this catches what it cannot, such as a place in the line.
const pollMs = 5000;

async function read(id: string, signal: AbortSignal) {
  const [record, why] = await Promise.all([api.job(id, signal), api.why(id, signal)]);
  return {...record, why};
}

async function allLogs(id: string, signal: AbortSignal): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  let cursor: string | null = null;
  do {
    const page: {lines: LogLine[]; nextCursor: string | null} = await api.logs(id, cursor, signal);
    lines.push(...page.lines);
    cursor = page.nextCursor;
  } while (cursor);
  return lines;
}

export function JobPage({id}: {id: string}) {
  const record = usePoll(id, (signal) => read(id, signal), pollMs);
  const logs = usePoll(id, (signal) => allLogs(id, signal), 0);
  const copies = usePoll(id, (signal) => api.jobs({tag: copyTag + id}, null, signal), 0);
  const gone = record.failure?.problem.status === 404;
  const moved = usePoll(`${id} ${gone}`, async (signal) => (gone ? (await api.jobs({tag: movedTag + id}, null, signal)).jobs[0] : undefined), 0).data;
  const timer = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  const soon = () => {
    clearTimeout(timer.current);
    timer.current = setTimeout(record.refresh, 60) as unknown as number;
  };

  const hear = (message: HubMessage) => {
    if (message.kind === 'gap') {
      record.refresh();
      logs.refresh();
    }
    if (message.kind !== 'events') return;
    for (const event of message.events) {
      if (event.kind === 'status') soon();
      if (event.kind === 'progress') record.put((old) => ({...old, job: {...old.job, progress: event.progress ?? old.job.progress, message: event.message ?? old.job.message}}));
    }
    // Lines carry no number of their own; read again, they come in the broker's order and once.
    if (message.events.some(({kind}) => kind === 'log')) logs.refresh();
  };
  useLive(id, {job: id}, hear);

  if (!record.data) {
    return (
      <>
        <h1 class="visually-hidden" tabIndex={-1}>Job</h1>
        {gone && <Empty icon="search" title="There is no such job"><p><code>{id}</code> is not on the broker. {moved ? <>It was moved and runs in <QueueLink queue={moved.queue} /> as <JobLink id={moved.jobId} />.</> : <>It may have been deleted, or its retention is over. <a href={href('jobs')}>All jobs</a></>}</p></Empty>}
        {record.failure && !gone && <Problem failure={record.failure} />}
      </>
    );
  }
  const {job, payload, result, why} = record.data;
  const attempts = attemptsOf(job);
  const lines = logs.data ?? [];
  return (
    <>
      <Head job={job} why={why} refresh={record.refresh} />
      {record.failure && <Problem failure={record.failure} />}
      {!hasEnded(job.status) && <Why why={why} />}
      {job.progress !== null && !hasEnded(job.status) && <section class="panel pad" aria-label="Progress"><Progress value={job.progress} message={job.message} /></section>}
      <div class="columns job-columns">
        <div>
          {job.status === 'completed' && <JsonView name="result" text={result} redacted={job.redacted} />}
          <AttemptList attempts={attempts} lines={lines} />
          <JsonView name="payload" text={payload} redacted={job.redacted} />
          <Logs job={job} attempts={attempts} lines={lines} />
        </div>
        <div>
          <Timeline job={job} />
          <Facts job={job} copies={(copies.data?.jobs ?? []).map(({jobId}) => jobId)} />
        </div>
      </div>
    </>
  );
}

function Head({job, why, refresh}: {job: Job; why: Reason; refresh: () => void}) {
  const end = hasEnded(job.status);
  const again = retry(job.jobId);
  useKeys([
    {keys: 'r', does: 'Retry this job', run: () => end && void carryOut(again).then(refresh)},
    {keys: 'e', does: 'Edit and run again', run: () => go(enqueueCopy(job.jobId))},
  ]);
  return (
    <div class="page-head">
      <div>
        <h1 tabIndex={-1}>{job.name}</h1>
        <StateBadge status={job.status} note={job.cancelRequested && !end ? 'cancel requested' : undefined} />
        <span>in <QueueLink queue={job.queue} /></span>
        <span class="muted">attempt <b class="num">{job.attemptsMade + (job.status === 'active' ? 1 : 0)}</b> of <b class="num">{job.maxAttempts}</b></span>
        <span class="muted">submitted <Time at={job.createdAt} /></span>
        <Next job={job} why={why} />
        <span class="id-line"><code class="mono">{job.jobId}</code><CopyButton text={job.jobId} what="the id" /></span>
      </div>
      <div class="actions">
        {job.status === 'delayed' && <ActionButton action={promote(job.jobId)} icon="active" kind="primary" then={refresh} />}
        {!end && job.status !== 'active' && <Changes job={job} why={why} refresh={refresh} />}
        {end && <ActionButton action={again} icon="retry" kind={job.status === 'failed' ? 'primary' : undefined} then={refresh} />}
        <a class="button" href={enqueueCopy(job.jobId)}>Edit and run again</a>
        {!end && <ActionButton action={cancel(job.jobId, job.status === 'active')} icon="cancelled" disabled={job.cancelRequested} then={refresh} />}
        {job.status !== 'active' && (
          <ActionButton
            action={remove(job.jobId)} kind="danger" then={() => go(href('jobs'))}
            ask={{title: 'Delete this job?', text: <p>1 job, its payload, errors and logs are removed for good.{!end && ' It will not run.'}</p>}} />
        )}
      </div>
    </div>
  );
}

/// Not offered is what the broker would refuse: a strict order, an event and priorities that age decide for themselves.
function Changes({job, why, refresh}: {job: Job; why: Reason; refresh: () => void}) {
  const [open, setOpen] = useState<'time' | 'priority' | null>(null);
  const ownTime = why.reason !== 'waiting-for-event' && (!job.ordered || job.status === 'delayed');
  const ages = queues.value?.find(({queue}) => queue === job.queue)?.settings.priorityAgeingMs;
  const props = {job, refresh, close: () => setOpen(null)};
  return (
    <>
      {ownTime && <button type="button" class="button" onClick={() => setOpen('time')}>Reschedule…</button>}
      {!job.ordered && !ages && <button type="button" class="button" onClick={() => setOpen('priority')}>Priority…</button>}
      {open === 'time' && <RescheduleDialog {...props} />}
      {open === 'priority' && <PriorityDialog {...props} />}
    </>
  );
}

function Why({why}: {why: Reason}) {
  return (
    <section class={why.reason === 'running' ? 'why running' : 'why'} aria-label="Why it is not running" data-reason={why.reason}>
      <Icon name={why.reason === 'running' ? 'active' : 'pending'} />
      <p>{why.sentence}{why.until && <span class="muted"> (<Time at={why.until} />)</span>}</p>
    </section>
  );
}
