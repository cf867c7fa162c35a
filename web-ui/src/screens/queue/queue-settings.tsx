import {useState} from 'preact/hooks';

import type {Queue} from '../../api/types';
import {duration, keptFor, plural} from '../../text/format';
import {brokerDefaults} from '../../state/defaults';
import {rateWords} from '../limits/limits';
import {SettingsForm} from './settings-form';

/// What the queue says, or what the broker does when it says nothing.
export function QueueSettings({queue, refresh}: {queue: Queue; refresh: () => void}) {
  const [editing, setEditing] = useState(false);
  const {maxConcurrency, rateLimit, groupConcurrency, groupRateLimit, priorityAgeingMs, push, callback, defaults} = queue.settings;
  const {priority, maxAttempts, maxStalls, backoff, leaseMs, timeoutMs, retention} = defaults;
  const own = (text: string | null | undefined, otherwise: string) => (text ? <dd>{text}</dd> : <dd class="muted">{otherwise}</dd>);
  return (
    <section class="panel" aria-label="Limits and defaults">
      <header><h2>Limits and defaults</h2><span class="grow" /><button type="button" class="button small" onClick={() => setEditing(true)}>Change</button></header>
      <dl class="facts">
        <dt>Run at once</dt>{own(maxConcurrency ? `at most ${plural(maxConcurrency, 'job')}` : null, 'no limit')}
        <dt>Start rate</dt>{own(rateLimit && `at most ${rateWords(rateLimit)}`, 'no limit')}
        {groupConcurrency !== null && <><dt>Of each group at once</dt><dd>at most {plural(groupConcurrency, 'job')}</dd></>}
        {groupRateLimit && <><dt>Start rate of each group</dt><dd>at most {rateWords(groupRateLimit)}</dd></>}
        {priorityAgeingMs !== null && <><dt>One priority higher</dt><dd>each {duration(priorityAgeingMs)}</dd></>}
        {push && <><dt>Posted to</dt><dd>{push.url}{push.signed && ', signed'}</dd></>}
        {callback && <><dt>Ends are told to</dt><dd>{callback.url}</dd></>}
        <dt>Priority</dt>{own(priority?.toString(), '0')}
        <dt>Attempts</dt>{own(maxAttempts?.toString(), '3')}
        <dt>Lost leases</dt>{own(maxStalls?.toString(), String(brokerDefaults.maxStalls))}
        <dt>Lease</dt>{own(leaseMs ? duration(leaseMs) : null, duration(brokerDefaults.leaseMs))}
        <dt>Time limit of an attempt</dt>{own(timeoutMs ? duration(timeoutMs) : null, 'none')}
        <dt>Backoff</dt>{own(backoff ? `${backoff.type ?? 'exponential'}, ${duration(backoff.delayMs ?? 10_000)} first, at most ${duration(backoff.maxDelayMs ?? 3_600_000)}` : null, 'exponential, 10 s first, at most 1 h')}
        <dt>Completed jobs stay</dt>{own(retention ? keptFor(retention.completedMs) : null, keptFor(brokerDefaults.retention.completedMs))}
        <dt>Failed jobs stay</dt>{own(retention ? keptFor(retention.failedMs) : null, keptFor(brokerDefaults.retention.failedMs))}
      </dl>
      {editing && <SettingsForm queue={queue} close={() => setEditing(false)} saved={() => { setEditing(false); refresh(); }} />}
      <p class="muted small-text pad">Grey: the broker's own, since the queue says nothing. <code>pawl queue {queue.queue} --help</code> lists what can be set.</p>
    </section>
  );
}
