// One queue: how it stands, what goes through, its limits and defaults, and who works on it.
import {useState} from 'preact/hooks';

import {api} from '../../api/api';
import {statuses, type Queue} from '../../api/types';
import {ActionButton} from '../../parts/action-button';
import {History} from '../../parts/history';
import {Icon} from '../../parts/icons';
import {Problem} from '../../parts/problem';
import {PausedBadge, StateBadge} from '../../parts/state-badge';
import {Time} from '../../parts/time';
import {drain, pause, resume} from '../../state/actions';
import {lacksWorkers, waiting} from '../../state/broker';
import {useKeys} from '../../state/keys';
import {href, withQuery} from '../../state/place';
import {usePoll} from '../../state/use-poll';
import {count, duration, plural, rate, shortDuration} from '../../text/format';
import {drainEta} from '../overview/queue-table';
import {PauseDialog} from './pause-dialog';
import {QueueGroups} from './queue-groups';
import {QueueSettings} from './queue-settings';
import {QueueWorkers} from './queue-workers';

export function QueuePage({id}: {id: string}) {
  const queue = usePoll(id, (signal) => api.queue(id, signal), 2000);
  if (!queue.data) return <><h1 tabIndex={-1}>{id}</h1>{queue.failure && <Problem failure={queue.failure} />}</>;
  return (
    <>
      <Head queue={queue.data} refresh={queue.refresh} />
      {queue.failure && <Problem failure={queue.failure} />}
      <Counts queue={queue.data} />
      <div class="columns">
        <div>
          <History queue={id} />
          <QueueWorkers queue={queue.data} />
        </div>
        <div>
          <Figures queue={queue.data} />
          <QueueSettings queue={queue.data} refresh={queue.refresh} />
        </div>
      </div>
      <QueueGroups queue={id} />
    </>
  );
}

function Head({queue, refresh}: {queue: Queue; refresh: () => void}) {
  const [pausing, setPausing] = useState(false);
  const waits = waiting(queue) + queue.counts.delayed + queue.counts.blocked;
  useKeys([{keys: 'p', does: queue.paused ? 'Resume the queue' : 'Pause the queue', run: () => !queue.paused && setPausing(true)}]);
  return (
    <div class="page-head">
      <div>
        <h1 tabIndex={-1}>{queue.queue}</h1>
        {queue.paused && <><PausedBadge reason={queue.pauseReason} /> <PausedBy queue={queue} /></>}
        {queue.heldUntil && <span class="badge state-delayed"><Icon name="delayed" />held until <Time at={queue.heldUntil} absolute /></span>}
        {lacksWorkers(queue) && <span class="badge state-stalled"><Icon name="alert" />no workers</span>}
      </div>
      <div class="actions">
        {queue.paused || queue.heldUntil
          ? <ActionButton action={resume(queue.queue)} icon="active" kind="primary" then={refresh} />
          : <button type="button" class="button" onClick={() => setPausing(true)}><Icon name="paused" />Pause</button>}
        <ActionButton
          action={drain(queue.queue)} kind="danger" disabled={waits === 0} then={refresh}
          ask={{title: `Cancel all that wait in ${queue.queue}?`, typed: String(waits), text: <p>{plural(waits, 'job')} that {waits === 1 ? 'waits' : 'wait'} (pending, stalled, delayed, blocked) will end as cancelled. Active ones go on. This cannot be undone.</p>}} />
        <a class="button" href={withQuery(href('enqueue'), {queue: queue.queue})}><Icon name="enqueue" />Enqueue</a>
      </div>
      {pausing && <PauseDialog what={queue.queue} action={(reason) => pause(queue.queue, reason)} close={() => setPausing(false)} then={refresh} />}
    </div>
  );
}

/// Who paused it, and when: the audit log knows.
function PausedBy({queue: {queue, pauseReason}}: {queue: Queue}) {
  const pauses = usePoll(`${queue} ${pauseReason}`, (signal) => api.audit({queue, action: 'pause'}, null, signal), 0);
  const last = pauses.data?.entries.find(({outcome}) => outcome === 'done');
  return last ? <span class="muted">by {last.actor ?? last.address ?? 'somebody'}, <Time at={last.at} /></span> : null;
}

function Counts({queue}: {queue: Queue}) {
  return (
    <ul class="tiles" aria-label="Jobs by state">
      {statuses.map((status) => (
        <li key={status}>
          <a class={queue.counts[status] === 0 ? 'tile none' : 'tile'} data-state={status} href={status === 'failed' ? href('dlq', queue.queue) : withQuery(href('jobs'), {q: `queue:${queue.queue} state:${status}`})}>
            <b class="num">{count(queue.counts[status])}</b>
            <StateBadge status={status} />
          </a>
        </li>
      ))}
    </ul>
  );
}

/// "with 8 slots more: 5 min", from what one slot did in the last minute; null while that is not known or nothing waits.
function capacityHint(queue: Queue): string | null {
  const {submittedPerSecond, completedPerSecond, failedPerSecond} = queue.rates;
  const done = completedPerSecond + failedPerSecond;
  if (waiting(queue) === 0 || queue.slots === 0 || done < 0.05) return null;
  const net = (slots: number) => (done / queue.slots) * slots - submittedPerSecond;
  const enough = Math.ceil((submittedPerSecond * queue.slots) / done) + 1;
  const slots = Math.max(queue.slots * 2, enough);
  return `with ${plural(slots - queue.slots, 'slot')} more: empty in ${shortDuration((waiting(queue) / net(slots)) * 1000)}`;
}

const ms = (value: number | null) => (value === null ? '–' : duration(value));

function Figures({queue}: {queue: Queue}) {
  const eta = drainEta(queue);
  const hint = capacityHint(queue);
  return (
    <section class="panel" aria-label="Figures">
      <header><h2>Figures</h2></header>
      <dl class="facts">
        <dt>Submitted, last minute</dt><dd class="num">{rate(queue.rates.submittedPerSecond)}/s</dd>
        <dt>Completed, last minute</dt><dd class="num">{rate(queue.rates.completedPerSecond)}/s</dd>
        <dt>Retried, last minute</dt><dd class="num">{rate(queue.rates.retriedPerSecond)}/s</dd>
        <dt>Failed, last minute</dt><dd class="num">{rate(queue.rates.failedPerSecond)}/s</dd>
        <dt>Oldest waits for</dt><dd class="num">{waiting(queue) > 0 ? duration(queue.oldestPendingMs) : '–'}</dd>
        <dt>Empty in</dt><dd class="num">{eta?.text ?? '–'}</dd>
        <dt>A new job waits about</dt><dd class="num">{queue.estimatedWaitMs === null ? 'not known' : duration(queue.estimatedWaitMs)}</dd>
        <dt>Wait p50 · p95 · p99</dt><dd class="num">{ms(queue.waitMs.p50)} · {ms(queue.waitMs.p95)} · {ms(queue.waitMs.p99)}</dd>
        <dt>Run p50 · p95 · p99</dt><dd class="num">{ms(queue.p50)} · {ms(queue.p95)} · {ms(queue.p99)}</dd>
        <dt>Groups with work</dt><dd class="num">{count(queue.groups)}</dd>
        <dt>Worker slots</dt><dd class="num">{count(queue.slots)}</dd>
        {hint && <><dt>Capacity</dt><dd>{hint}</dd></>}
        <dt>Completed in all</dt><dd class="num">{count(queue.lifetimeCompleted)}</dd>
        <dt>Failed in all</dt><dd class="num">{count(queue.lifetimeFailed)}</dd>
        <dt>Made</dt><dd><Time at={queue.createdAt} absolute /></dd>
      </dl>
    </section>
  );
}
