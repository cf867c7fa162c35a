// Every step of a job's life, how long it stayed in each, what decided it, and what comes next.
import {hasEnded, type Job, type Reason} from '../../api/types';
import {StateBadge} from '../../parts/state-badge';
import {Span, Time} from '../../parts/time';
import {duration, plural} from '../../text/format';
import {errorAt} from './attempts';

/// Why the job went into this state, where the record tells.
function reason(job: Job, index: number): string | null {
  const step = job.history[index]!;
  const before = job.history[index - 1];
  const next = job.history[index + 1];
  const error = before?.status === 'active' ? errorAt(job.errors, step.at) : null;
  if (step.status === 'delayed') {
    const until = next ? next.at : job.runAt;
    const wait = until ? `waits ${duration(Math.max(0, Date.parse(until) - Date.parse(step.at)))}` : null;
    return error ? `${error.type}; ${wait ?? 'waits'} before the next attempt${until ? backoffWords(job.backoff, error.attempt, Date.parse(until) - Date.parse(step.at)) : ''}` : wait;
  }
  if (step.status === 'failed' && error) return `${error.type}; no attempt is left`;
  if (step.status === 'stalled') return error?.message ?? 'its lease ran out: the worker fell silent';
  if (step.status === 'pending' && before?.status === 'active') return error ? `${error.type}; next attempt at once` : 'the worker gave it back';
  if (step.status === 'pending' && before && hasEnded(before.status)) return 'it was asked to run again';
  if (step.status === 'active' && before && !next && job.workerId) return `leased by ${job.workerId}`;
  return null;
}

/// How the broker came to a wait before another attempt; where it is another, a worker or an operator chose it.
function backoffWords({type, delayMs = 0, factor = 1, maxDelayMs = 0, jitter = 0}: Job['backoff'], attempt: number, waitedMs: number): string {
  const times = type === 'exponential' ? factor ** (attempt - 1) : type === 'linear' ? attempt : 1;
  const planned = Math.min(delayMs * times, maxDelayMs);
  if (waitedMs < planned - 5 || waitedMs > planned * (1 + jitter) + 1000) return '';
  const capped = delayMs * times > maxDelayMs ? `, at most ${duration(maxDelayMs)}` : '';
  const more = planned > 0 ? Math.round((100 * (waitedMs - planned)) / planned) : 0;
  return ` (${type}: ${duration(delayMs)}${times === 1 ? '' : ` × ${Math.round(times * 100) / 100}`}${capped}${more > 0 ? `, ${more} % of jitter` : ''})`;
}

/// What happens to it next by itself, and when.
function coming({status, runAt, leaseExpiresAt, expiresAt}: Job): [words: string, at: string] | null {
  if (status === 'delayed' && runAt) return ['due', runAt];
  if (status === 'active' && leaseExpiresAt) return ['lease ends, unless its worker is heard from', leaseExpiresAt];
  return expiresAt ? ['the record is dropped', expiresAt] : null;
}

/// The same beside the job's name; of one that waits, until when the broker holds it.
export function Next({job, why}: {job: Job; why: Reason}) {
  const [words, at] = coming(job) ?? ['held until', why.until];
  return at && <span class="muted" data-next>{words.split(',')[0]} <Time at={at} /></span>;
}

function Coming({job}: {job: Job}) {
  const next = coming(job);
  return (
    <>
      {job.heartbeats && <Heard {...job.heartbeats} />}
      {next && <li class="coming"><span class="muted">{next[0]}</span><Time at={next[1]} /></li>}
    </>
  );
}

function Heard({count: beats, heardAt, longestGapMs}: NonNullable<Job['heartbeats']>) {
  return (
    <li class="coming">
      <span class="muted">{beats > 0 ? `${plural(beats, 'heartbeat')}, at most ${duration(longestGapMs)} apart; heard from` : 'no heartbeat yet; heard from'}</span>
      <Time at={heardAt} />
    </li>
  );
}

export function Timeline({job}: {job: Job}) {
  return (
    <section class="panel" aria-label="Timeline">
      <header><h2>Timeline</h2></header>
      <ol class="timeline">
        {job.history.map((step, index) => {
          const why = reason(job, index);
          const next = job.history[index + 1];
          const ended = !next && hasEnded(step.status);
          return (
            <li key={step.at + step.status} data-step={step.status}>
              <StateBadge status={step.status} />
              <span class="muted"><Time at={step.at} absolute /></span>
              {!ended && <span class="num for">for <Span from={step.at} to={next?.at ?? null} /></span>}
              {why && <span class="muted why-step">{why}</span>}
            </li>
          );
        })}
        <Coming job={job} />
      </ol>
    </section>
  );
}
