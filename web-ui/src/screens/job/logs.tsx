// What the workers logged, attempt by attempt; grows by itself while the job runs.
import {useEffect, useRef, useState} from 'preact/hooks';

import type {Job, LogLine} from '../../api/types';
import {Icon} from '../../parts/icons';
import {query, setQuery} from '../../state/place';
import {zone} from '../../state/preferences';
import {download} from '../../text/download';
import {clockTime, count} from '../../text/format';
import {attemptAt, type Attempt} from './attempts';

const shownAtFirst = 1000;

export function Logs({job, attempts, lines: all}: {job: Job; attempts: Attempt[]; lines: LogLine[]}) {
  const one = Number(query.value.get('attempt'));
  const lines = one ? all.filter(({at}) => attemptAt(attempts, at) === one) : all;
  const [find, setFind] = useState('');
  const [follow, setFollow] = useState(true);
  const [most, setMost] = useState(shownAtFirst);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (follow && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [lines.length, follow]);
  if (all.length === 0) return null;

  const found = find ? lines.filter(({text}) => text.toLowerCase().includes(find.toLowerCase())) : lines;
  const shown = found.slice(-most);
  let last = 0;
  return (
    <section class="panel" aria-label="Logs">
      <header>
        <h2>Logs</h2>
        <span class="muted num small-text">{find ? `${count(found.length)} of ${count(lines.length)}` : count(lines.length)}</span>
        <span class="grow" />
        {attempts.length > 1 && (
          <select class="find" aria-label="Attempt" value={String(one)} onChange={({currentTarget: {value}}) => setQuery({attempt: value === '0' ? undefined : value}, 'replace')}>
            <option value="0">all attempts</option>
            {attempts.map(({number}) => <option key={number} value={number}>attempt {number}</option>)}
          </select>
        )}
        <input class="logs-find" type="search" aria-label="Find in the logs" placeholder="Find" value={find} onInput={(event) => setFind(event.currentTarget.value)} />
        <label class="check"><input type="checkbox" checked={follow} onChange={() => setFollow(!follow)} />Follow</label>
        <button type="button" class="button small quiet" onClick={() => download(`${job.jobId}.log`, lines.map(({at, text}) => `${at} ${text}\n`).join(''), 'text/plain')}><Icon name="more" />Download</button>
      </header>
      <div class="logs" ref={box} tabIndex={0} role="log" aria-label="Log lines" aria-live="off">
        {found.length > shown.length && <button type="button" class="button small" onClick={() => setMost(most * 10)}>{count(found.length - shown.length)} earlier lines</button>}
        {shown.map((line, index) => {
          const number = attemptAt(attempts, line.at);
          const isNew = number !== last && attempts.length > 1;
          last = number;
          return (
            <div key={found.length - shown.length + index}>
              {isNew && <div class="log-attempt">attempt {number}</div>}
              <div class="log-line"><time class="muted num" dateTime={line.at} title={line.at}>{clockTime(Date.parse(line.at), zone.value === 'utc')}</time><span>{line.text}</span></div>
            </div>
          );
        })}
      </div>
    </section>
  );
}
