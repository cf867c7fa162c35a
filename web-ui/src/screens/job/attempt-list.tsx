// Each attempt with its worker, its length and what it failed of; the newest first.
import {useState} from 'preact/hooks';

import type {LogLine} from '../../api/types';
import {CopyButton} from '../../parts/copy-button';
import {Icon} from '../../parts/icons';
import {StateBadge} from '../../parts/state-badge';
import {Span, Time} from '../../parts/time';
import {setQuery} from '../../state/place';
import {plural} from '../../text/format';
import {attemptAt, type Attempt} from './attempts';

export function AttemptList({attempts, lines}: {attempts: Attempt[]; lines: LogLine[]}) {
  if (attempts.length === 0) return null;
  const logged: number[] = [];
  for (const {at} of lines) {
    const number = attemptAt(attempts, at);
    logged[number] = (logged[number] ?? 0) + 1;
  }
  return (
    <section class="panel" aria-label="Attempts">
      <header><h2>Attempts</h2><span class="muted small-text">newest first</span></header>
      <ol class="attempts" reversed>
        {attempts.toReversed().map((attempt, index) => <Row key={attempt.start} attempt={attempt} lines={logged[attempt.number] ?? 0} openAtFirst={index === 0} />)}
      </ol>
    </section>
  );
}

function showLogs(attempt: number): void {
  setQuery({attempt: String(attempt)}, 'replace');
  document.querySelector('[aria-label=Logs]')?.scrollIntoView({block: 'nearest'});
}

function verdict({outcome, error}: Attempt): string | null {
  if (outcome === null) return 'runs';
  if (outcome === 'delayed' || (outcome === 'pending' && error)) return 'failed, comes again';
  return outcome === 'pending' ? 'given back' : null;
}

function Row({attempt, lines, openAtFirst}: {attempt: Attempt; lines: number; openAtFirst: boolean}) {
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
        {lines > 0 && <button type="button" class="link" onClick={() => showLogs(number)}>{plural(lines, 'log line')}</button>}
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
