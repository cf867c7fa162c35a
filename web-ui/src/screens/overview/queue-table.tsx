import type {Queue} from '../../api/types';
import {Icon} from '../../parts/icons';
import {QueueLink} from '../../parts/job-link';
import {PausedBadge} from '../../parts/state-badge';
import {lacksWorkers, waiting} from '../../state/broker';
import {href, withQuery} from '../../state/place';
import {count, duration, rate, shortDuration} from '../../text/format';

/// When nothing waits any more, at the pace of the last minute; null while nothing waits or the pace is unknown.
export function drainEta(queue: Queue): {text: string; growing: boolean} | null {
  if (waiting(queue) === 0) return null;
  const {submittedPerSecond, completedPerSecond, failedPerSecond} = queue.rates;
  const net = completedPerSecond + failedPerSecond - submittedPerSecond;
  if (net > 0.01) return {text: shortDuration((waiting(queue) / net) * 1000), growing: false};
  if (submittedPerSecond > 0.01) return {text: 'growing', growing: true};
  return {text: 'not moving', growing: false};
}

function Jobs({queue, status, value, class: name}: {queue: string; status: string; value: number; class?: string}) {
  return (
    <td class={`num ${name ?? ''}`}>
      {value > 0 ? <a href={withQuery(href('jobs'), {q: `queue:${queue} state:${status}`})}>{count(value)}</a> : <span class="muted">0</span>}
    </td>
  );
}

function PerMinute({perSecond, class: name}: {perSecond: number; class?: string}) {
  return <td class={`num ${name ?? ''}`}>{perSecond > 0 ? rate(Math.round(perSecond * 60)) : <span class="muted">0</span>}</td>;
}

function Row({queue}: {queue: Queue}) {
  const eta = drainEta(queue);
  return (
    <tr>
      <th scope="row">
        <QueueLink queue={queue.queue} />
        {queue.paused && <PausedBadge reason={queue.pauseReason} />}
        {queue.heldUntil && <span class="badge state-delayed"><Icon name="delayed" />held</span>}
      </th>
      <Jobs queue={queue.queue} status="pending" value={queue.counts.pending} />
      <Jobs queue={queue.queue} status="active" value={queue.counts.active} />
      <Jobs queue={queue.queue} status="delayed" value={queue.counts.delayed} class="wide" />
      <PerMinute perSecond={queue.rates.completedPerSecond} class="wide" />
      <PerMinute perSecond={queue.rates.failedPerSecond} class="wide" />
      <td class="num">{queue.counts.failed > 0 ? <a class="bad" href={href('dlq', queue.queue)}>{count(queue.counts.failed)}</a> : <span class="muted">0</span>}</td>
      <td class="num wide">{waiting(queue) > 0 ? duration(queue.oldestPendingMs) : <span class="muted">–</span>}</td>
      <td class="num wide">{eta ? <span class={eta.growing ? 'warn' : ''}>{eta.text}</span> : <span class="muted">–</span>}</td>
      <td class="num">
        {lacksWorkers(queue) ? <span class="badge state-stalled"><Icon name="alert" />none</span> : queue.workers > 0 ? count(queue.workers) : <span class="muted">0</span>}
      </td>
    </tr>
  );
}

export function QueueTable({queues}: {queues: Queue[]}) {
  return (
    <div class="table-scroll">
      <table class="list">
        <thead>
          <tr>
            <th scope="col">Queue</th>
            <th scope="col" class="num">Pending</th>
            <th scope="col" class="num">Active</th>
            <th scope="col" class="num wide">Delayed</th>
            <th scope="col" class="num wide" title="Jobs completed in the last minute">Done/min</th>
            <th scope="col" class="num wide" title="Jobs that failed for good in the last minute">Failed/min</th>
            <th scope="col" class="num" title="Dead letters: jobs that failed for good">Dead</th>
            <th scope="col" class="num wide" title="How long the oldest job has waited">Oldest</th>
            <th scope="col" class="num wide" title="When nothing waits any more, at the pace of the last minute">Empty in</th>
            <th scope="col" class="num" title="Workers that ask for jobs now">Workers</th>
          </tr>
        </thead>
        <tbody>{queues.map((queue) => <Row key={queue.queue} queue={queue} />)}</tbody>
      </table>
    </div>
  );
}
