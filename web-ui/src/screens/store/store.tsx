// What is on the disk, how the store keeps up, and which records will be kept at the rate of the last minute.
import type {Queue} from '../../api/types';
import {Icon} from '../../parts/icons';
import {queues, stats} from '../../state/broker';
import {brokerDefaults} from '../../state/defaults';
import {href} from '../../state/place';
import {bytes, count, duration, keptFor, plural} from '../../text/format';

/// What the queue says, or what the broker does when it says nothing.
function retentionOf({settings}: Queue): {completedMs: number | null; failedMs: number | null} {
  return {...brokerDefaults.retention, ...settings.defaults.retention};
}

/// Records of ended jobs: how many there are, and how many there will be once as many go as come; null: they are kept for good, and come.
function forecast(queue: Queue): {kept: number; levels: number | null} {
  const {counts, rates} = queue;
  const {completedMs, failedMs} = retentionOf(queue);
  const level = (perSecond: number, keptMs: number | null) => (keptMs === null ? (perSecond > 0 ? null : 0) : (perSecond * keptMs) / 1000);
  const done = level(rates.completedPerSecond, completedMs);
  const dead = level(rates.failedPerSecond, failedMs);
  const still = (failedMs === null ? counts.failed : 0) + (completedMs === null ? counts.completed : 0);
  return {kept: counts.completed + counts.failed + counts.cancelled, levels: done === null || dead === null ? null : done + dead + still};
}

export function Store() {
  return (
    <>
      <h1 tabIndex={-1}>Store</h1>
      {stats.value && <Figures {...stats.value} />}
      {queues.value && queues.value.length > 0 && <Kept queues={queues.value} />}
    </>
  );
}

function Figures({store, engine}: NonNullable<typeof stats.value>) {
  const troubled = store.writeStalled || store.lowOnSpace;
  return (
    <section class="panel" aria-label="Disk and commits">
      <header><h2>Disk and commits</h2></header>
      <dl class="facts">
        <dt>State</dt>
        <dd>{troubled ? <span class="badge state-failed"><Icon name="alert" />{store.writeStalled ? 'writes stalled: submits are answered 503' : 'less than the floor is free: submits are answered 507'}</span> : 'takes work'}</dd>
        <dt>On disk</dt><dd class="num">{bytes(store.diskBytes)}</dd>
        <dt>Free on that disk</dt><dd class="num">{store.freeBytes === null ? 'not known' : bytes(store.freeBytes)}</dd>
        <dt>Caches and write buffers</dt><dd class="num">{bytes(store.memoryBytes)}</dd>
        <dt>Commit p50 · p99</dt><dd class="num">{duration(engine.commitMsP50)} · {duration(engine.commitMsP99)}</dd>
        <dt>Commands in a commit</dt><dd class="num">{engine.meanBatchCommands.toFixed(1)} of {count(engine.commands)} since the start</dd>
        <dt>Commands that wait</dt><dd class="num">{count(engine.waitingCommands)}</dd>
      </dl>
      <p class="muted small-text pad">A copy to start from: stop the broker and copy its data directory; <code>pawl check DIR</code> proves that it is sound.</p>
    </section>
  );
}

function Kept({queues}: {queues: Queue[]}) {
  const rows = queues.map((queue) => ({queue, ...forecast(queue)})).filter(({kept, levels}) => kept > 0 || levels !== 0).sort((a, b) => b.kept - a.kept);
  if (rows.length === 0) return null;
  return (
    <section class="panel" aria-label="Records of ended jobs">
      <header><h2>Records of ended jobs</h2></header>
      <div class="table-scroll">
        <table class="list">
          <thead><tr><th scope="col">Queue</th><th scope="col" class="num">Kept now</th><th scope="col" class="num">At this rate</th><th scope="col" class="wide">Completed stay</th><th scope="col" class="wide">Failed stay</th></tr></thead>
          <tbody>
            {rows.map(({queue, kept: now, levels}) => {
              const {completedMs, failedMs} = retentionOf(queue);
              return (
                <tr key={queue.queue}>
                  <th scope="row"><a href={href('queues', queue.queue)}>{queue.queue}</a></th>
                  <td class="num">{count(now)}</td>
                  <td class="num">{levels === null ? 'grows' : count(Math.round(levels))}</td>
                  <td class="wide">{keptFor(completedMs)}</td>
                  <td class="wide">{keptFor(failedMs)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <p class="muted small-text pad">{plural(rows.reduce((sum, {kept: now}) => sum + now, 0), 'record')} in all. “At this rate”: how many there will be once as many are dropped as come, at the rate of the last minute.</p>
    </section>
  );
}
