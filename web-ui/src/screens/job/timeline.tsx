// Every step of a job's life, how long it stayed in each, what decided it, and what comes next.
import type {Job} from '../../api/types';
import {StateBadge} from '../../parts/state-badge';
import {Span, Time} from '../../parts/time';
import {duration} from '../../text/format';
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
    return error ? `${error.type}; ${wait ?? 'waits'} before the next attempt` : wait;
  }
  if (step.status === 'failed' && error) return `${error.type}; no attempt is left`;
  if (step.status === 'stalled') return 'its lease ran out: the worker fell silent';
  if (step.status === 'pending' && before?.status === 'active') return error ? `${error.type}; next attempt at once` : 'the worker gave it back';
  if (step.status === 'pending' && before && ['completed', 'failed', 'cancelled'].includes(before.status)) return 'it was asked to run again';
  if (step.status === 'active' && before && !next && job.workerId) return `leased by ${job.workerId}`;
  return null;
}

function Coming({job}: {job: Job}) {
  if (job.status === 'delayed' && job.runAt) return <li class="coming"><span class="muted">due</span><Time at={job.runAt} /></li>;
  if (job.status === 'active' && job.leaseExpiresAt) return <li class="coming"><span class="muted">lease ends, unless its worker is heard from</span><Time at={job.leaseExpiresAt} /></li>;
  if (job.expiresAt) return <li class="coming"><span class="muted">the record is dropped</span><Time at={job.expiresAt} /></li>;
  return null;
}

export function Timeline({job}: {job: Job}) {
  return (
    <section class="panel" aria-label="Timeline">
      <header><h2>Timeline</h2></header>
      <ol class="timeline">
        {job.history.map((step, index) => {
          const why = reason(job, index);
          const next = job.history[index + 1];
          const ended = !next && ['completed', 'failed', 'cancelled'].includes(step.status);
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
