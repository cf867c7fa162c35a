// Each attempt with its worker, its length and what it failed of; the newest first.
import {useState} from 'preact/hooks';

import type {Job} from '../../api/types';
import {CopyButton} from '../../parts/copy-button';
import {Icon} from '../../parts/icons';
import {StateBadge} from '../../parts/state-badge';
import {Span, Time} from '../../parts/time';
import {attemptsOf, type Attempt} from './attempts';

export function AttemptList({job}: {job: Job}) {
  const attempts = attemptsOf(job).reverse();
  if (attempts.length === 0) return null;
  return (
    <section class="panel" aria-label="Attempts">
      <header><h2>Attempts</h2><span class="muted small-text">newest first</span></header>
      <ol class="attempts" reversed>
        {attempts.map((attempt, index) => <Row key={attempt.start} attempt={attempt} openAtFirst={index === 0} />)}
      </ol>
    </section>
  );
}

function verdict({outcome, error}: Attempt): string | null {
  if (outcome === null) return 'runs';
  if (outcome === 'delayed' || (outcome === 'pending' && error)) return 'failed, comes again';
  return outcome === 'pending' ? 'given back' : null;
}

function Row({attempt, openAtFirst}: {attempt: Attempt; openAtFirst: boolean}) {
  const {number, start, end, outcome, error, workerId} = attempt;
  const [open, setOpen] = useState(openAtFirst);
  const words = verdict(attempt);
  return (
    <li>
      <div class="attempt-head">
        <b class="num">#{number}</b>
        {words ? <span class={error ? 'bad' : ''}>{words}</span> : <StateBadge status={outcome!} />}
        <span class="num"><Span from={start} to={end} /></span>
        <span class="muted"><Time at={start} /></span>
        {workerId && <span class="mono clip">{workerId}</span>}
      </div>
      {error && (
        <div class="error-box">
          <p><strong class="bad">{error.type}</strong> {error.message}</p>
          {error.stack && (
            <>
              <div class="row">
                <button type="button" class="button small quiet" aria-expanded={open} onClick={() => setOpen(!open)}><Icon name={open ? 'more' : 'closed'} />Stack</button>
                <CopyButton text={`${error.type}: ${error.message}\n${error.stack}`} what="the error" />
              </div>
              {open && <pre class="stack" tabIndex={0} aria-label={`Stack of attempt ${number}`}>{error.stack}</pre>}
            </>
          )}
        </div>
      )}
    </li>
  );
}
