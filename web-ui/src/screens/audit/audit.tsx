// Who did what, the newest first: every action of an operator that came over the API, refused ones too.
import {api} from '../../api/api';
import {Failure} from '../../api/http';
import type {AuditEntry} from '../../api/types';
import {Empty} from '../../parts/empty';
import {Icon} from '../../parts/icons';
import {JobLink, QueueLink} from '../../parts/job-link';
import {Paging} from '../../parts/paging';
import {Problem} from '../../parts/problem';
import {Time} from '../../parts/time';
import {place, relist} from '../../state/place';
import {complain} from '../../state/toasts';
import {usePoll} from '../../state/use-poll';
import {download} from '../../text/download';
import {count} from '../../text/format';

const outcomes = {done: 'completed', started: 'active', refused: 'failed', cancelled: 'cancelled'} as const;
const columns = ['at', 'actor', 'address', 'action', 'queue', 'target', 'count', 'outcome', 'detail'] as const;

function csv(entries: AuditEntry[]): string {
  // A cell that begins like a formula is one to a spreadsheet; the quote keeps it text.
  const cell = (value: unknown) => `"${String(value ?? '').replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""')}"`;
  return [columns.join(','), ...entries.map((entry) => columns.map((key) => cell(entry[key])).join(','))].join('\r\n') + '\r\n';
}

export function Audit() {
  const {query} = place.value;
  const filter = {queue: query.get('queue') ?? undefined, action: query.get('action') ?? undefined, actor: query.get('actor') ?? undefined};
  const cursor = query.get('cursor');
  const {data, failure, refresh} = usePoll(JSON.stringify([filter, cursor]), (signal) => api.audit(filter, cursor, signal), 0);
  const entries = data?.entries ?? [];
  const isFiltered = Object.values(filter).some(Boolean);
  const save = () => void api.wholeAudit(filter).then((all) => download('audit.csv', csv(all), 'text/csv'), (error) => (error instanceof Failure ? complain(error) : Promise.reject(error)));
  const field = (key: keyof typeof filter, label: string) => (
    <label class="inline">{label} <input class="find" value={filter[key] ?? ''} placeholder="any" onChange={(event) => relist({[key]: event.currentTarget.value.trim()})} /></label>
  );
  return (
    <>
      <h1 class="visually-hidden" tabIndex={-1}>Audit</h1>
      <section class="panel" aria-label="Audit">
        <header>
          {field('queue', 'Queue')}{field('action', 'Action')}{field('actor', 'Who')}
          <span class="grow" />
          <button type="button" class="button small quiet" onClick={refresh}>Refresh</button>
          <button type="button" class="button small quiet" disabled={entries.length === 0} onClick={save}>Export</button>
        </header>
        {failure && <Problem failure={failure} />}
        {data && entries.length === 0 && (isFiltered
          ? <Empty icon="search" title="Nothing matches" />
          : <Empty icon="audit" title="Nobody did anything yet"><p>Pauses, retries, replays, purges, changes of settings and the like are listed here for 90 days, with who did them, how many jobs they concerned and what came of it. Say who you are in the help (<kbd>?</kbd>).</p></Empty>)}
        {entries.length > 0 && (
          <div class="table-scroll">
            <table class="list">
              <thead>
                <tr><th scope="col">Action</th><th scope="col">Outcome</th><th scope="col">Who</th><th scope="col" class="wide">From</th><th scope="col" class="wide">Queue</th><th scope="col" class="wide">What</th><th scope="col" class="num wide">Count</th><th scope="col" class="stretch wide">Detail</th><th scope="col" class="num">When</th></tr>
              </thead>
              <tbody>
                {entries.map((entry, index) => (
                  <tr key={entry.at + index}>
                    <th scope="row">{entry.action}</th>
                    <td><span class={`badge state-${outcomes[entry.outcome]}`}><Icon name={outcomes[entry.outcome]} />{entry.outcome}</span></td>
                    <td class="clip-cell">{entry.actor ?? <span class="muted">–</span>}</td>
                    <td class="wide num">{entry.address ?? <span class="muted">–</span>}</td>
                    <td class="wide">{entry.queue ? <QueueLink queue={entry.queue} /> : <span class="muted">–</span>}</td>
                    <td class="wide clip-cell">{entry.target === null ? <span class="muted">–</span> : /^[0-9a-f]{8}-[0-9a-f-]{27}$/.test(entry.target) ? <JobLink id={entry.target} /> : entry.target}</td>
                    <td class="num wide">{count(entry.count)}</td>
                    <td class="stretch wide"><span class="clip" title={entry.detail ?? undefined}>{entry.detail}</span></td>
                    <td class="num"><Time at={entry.at} /></td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </section>
      <Paging nextCursor={data?.nextCursor ?? null} />
    </>
  );
}
