// The list of jobs: one search, a tab for each state, fifty rows. New jobs are announced, not pushed in.
import {useEffect, useState} from 'preact/hooks';

import {api, pageSize, type JobFilter, type JobPage, type Order} from '../../api/api';
import {statuses, type ListedJob} from '../../api/types';
import {ActionButton} from '../../parts/action-button';
import {Empty} from '../../parts/empty';
import {changed, JobTable} from '../../parts/job-table';
import {Paging} from '../../parts/paging';
import {Problem} from '../../parts/problem';
import {useLive} from '../../live/live';
import type {HubMessage} from '../../live/hub';
import {brokerAddress, replay} from '../../state/actions';
import {countOf} from '../../state/broker';
import {brokerNow} from '../../state/clock';
import {useKeys} from '../../state/keys';
import {chosen, go, href, place, relist} from '../../state/place';
import {say} from '../../state/toasts';
import {usePoll} from '../../state/use-poll';
import {pawlOf} from '../../text/commands';
import {count, plural} from '../../text/format';
import {BulkJobs} from './bulk-jobs';
import {isCounted, mayMatch, parseSearch, suitsBulk, withWord} from './filter';
import {SearchBox} from './search-box';

/// What ages count from when the address does not say.
const openedAt = Date.now();

const orderWords: Record<Order, string> = {newest: 'Newest first', oldest: 'Oldest first', due: 'Due first', longest: 'Longest running'};
/// Those that wait for a time can be listed by it, and those that run by when they began.
const timeOrders: Record<string, Order> = {delayed: 'due', active: 'longest'};
const ordersOf = ({status}: JobFilter) => (['newest', 'oldest', timeOrders[status?.join() ?? '']] as const).filter((order) => order !== undefined);

export function Jobs() {
  const text = place.value.query.get('q') ?? '';
  const cursor = place.value.query.get('cursor');
  const base = Number(place.value.query.get('at')) || openedAt;
  const {filter, id, unknown} = parseSearch(text, base);
  const possible = ordersOf(filter);
  const order = possible.find((each) => each === place.value.query.get('order')) ?? 'newest';
  useEffect(() => {
    if (id) go(href('jobs', id), 'replace');
  }, [id]);

  const key = JSON.stringify([filter, cursor, order]);
  const page = usePoll(key, (signal) => api.jobs({...filter, order}, cursor, signal), 0);
  const jobs = page.data?.jobs ?? [];
  const [selected, setSelected] = chosen();
  const [fresh, setFresh] = useState<ReadonlySet<string>>(new Set());
  const [more, setMore] = useState(0);
  const [bulk, setBulk] = useState(false);
  useEffect(() => {
    setFresh(new Set());
    setMore(0);
  }, [page.data?.nextCursor, jobs[0]?.jobId, key]);

  const refresh = () => {
    setFresh(new Set());
    setMore(0);
    page.refresh();
  };
  const countsNew = order === 'newest' && !cursor;
  const hear = (message: HubMessage) => {
    if (message.kind === 'gap') return page.refresh();
    if (message.kind !== 'events') return;
    if (message.events.length > 0) {
      page.put((old) => ({...old, jobs: old.jobs.map((job) => message.events.filter((event) => event.jobId === job.jobId).reduce(changed, job))}));
    }
    if (!countsNew) return;
    const found = message.fresh.filter((event) => mayMatch(event, filter)).map((event) => event.jobId);
    if (found.length > 0) setFresh((old) => new Set([...old, ...found]));
    if (message.more > 0 && found.length > 0) setMore((old) => old + message.more);
  };
  const rows = jobs.map(({jobId}) => jobId);
  useLive(rows.join() + key, page.data ? {list: countsNew ? (filter.queue ?? '') : undefined, rows} : null, hear);
  useKeys([{keys: '.', does: 'Read the list anew', run: refresh}]);

  const search = (q: string) => relist({q, at: parseSearch(q, 0).relative ? String(Math.round(brokerNow())) : undefined});
  const newJobs = fresh.size + more;
  const picked = jobs.filter(({jobId}) => selected.has(jobId));
  return (
    <>
      <h1 class="visually-hidden" tabIndex={-1}>Jobs</h1>
      <SearchBox text={text} jobs={jobs} search={search} />
      {unknown.length > 0 && <p class="hint" role="status">The broker cannot search by <code>{unknown.join(' ')}</code>; it is left out. What it knows is offered as you type.</p>}
      <StateTabs text={text} filter={filter} search={search} />
      <section class="panel" aria-label="Jobs">
        <header class="bar">
          <Selected rows={picked} clear={() => setSelected(new Set())} done={refresh} />
          {newJobs > 0 && picked.length === 0 && <button type="button" class="pill" onClick={refresh}>{count(newJobs)} new</button>}
          {newJobs > 0 && picked.length > 0 && <span class="muted">{count(newJobs)} new, shown when nothing is selected</span>}
          <span class="grow" />
          {text && jobs.length > 0 && unknown.length === 0 && suitsBulk(filter) && <button type="button" class="button small quiet" onClick={() => setBulk(true)}>All that match…</button>}
          <select class="find" aria-label="Order" value={order} onChange={({currentTarget: {value}}) => relist({order: value === 'newest' ? undefined : value})}>
            {possible.map((each) => <option key={each} value={each}>{orderWords[each]}</option>)}
          </select>
          <button type="button" class="button small quiet" onClick={refresh}>Refresh</button>
        </header>
        {page.failure && <Problem failure={page.failure} />}
        {page.data && <Scanned page={page.data} />}
        {page.data && jobs.length === 0 && !page.data.nextCursor && <NoJobs text={text} />}
        {jobs.length > 0 && <JobTable jobs={jobs} selection={{ids: selected, set: setSelected}} gone={(job) => !!filter.status && !filter.status.includes(job.status)} />}
      </section>
      <Paging nextCursor={page.data?.nextCursor ?? null} />
      {bulk && <BulkJobs text={text} filter={filter} close={() => setBulk(false)} />}
    </>
  );
}

/// A look of the broker has a budget; when it ends before the page is full, the next goes on where it stopped.
function Scanned({page: {jobs, nextCursor, scanned, of}}: {page: JobPage}) {
  if (!nextCursor || jobs.length >= pageSize) return null;
  return (
    <p class="row pad" role="status">
      <span>Looked at <b class="num">{count(scanned)}</b> of <b class="num">{count(of)}</b> jobs{jobs.length === 0 && ', found none yet'}.</span>
      <button type="button" class="button small" onClick={() => relist({cursor: nextCursor})}>Go on</button>
    </p>
  );
}

/// Counts are the broker's own and exact; it keeps them for queues and states, not for other filters.
function StateTabs({text, filter, search}: {text: string; filter: JobFilter; search: (text: string) => void}) {
  const exact = isCounted(filter);
  const current = filter.status?.join(',') ?? '';
  const number = (status?: (typeof statuses)[number]) => {
    if (!exact) return null;
    return status ? countOf(status, filter.queue) : statuses.reduce<number | null>((sum, one) => (sum === null ? null : sum + (countOf(one, filter.queue) ?? 0)), countOf('pending') === null ? null : 0);
  };
  return (
    <nav class="tabs" aria-label="States">
      {[undefined, ...statuses].map((status) => {
        const value = number(status);
        return (
          <button type="button" key={status ?? 'all'} data-state={status ?? 'all'} aria-current={current === (status ?? '') ? 'true' : undefined} onClick={() => search(withWord(text, 'state', status ?? null))}>
            {status ?? 'all'}
            {value !== null && <span class={`num ${value === 0 ? 'muted' : ''}`}>{count(value)}</span>}
          </button>
        );
      })}
    </nav>
  );
}

/// One request replays any number of failed jobs of a queue.
function Selected({rows, clear, done}: {rows: ListedJob[]; clear: () => void; done: () => void}) {
  if (rows.length === 0) return null;
  const one = new Set(rows.map(({queue}) => queue)).size === 1 && rows.every(({status}) => status === 'failed');
  return (
    <>
      <strong class="num">{plural(rows.length, 'job')} selected</strong>
      {one && (
        <ActionButton
          action={{...replay(rows[0]!.queue, {jobIds: rows.map(({jobId}) => jobId)}), label: `Replay ${count(rows.length)}`}} icon="retry" kind="primary"
          then={({text}) => { say(`${plural((JSON.parse(text) as {replayed: number}).replayed, 'job')} replayed.`); clear(); done(); }} />
      )}
      {!one && <span class="muted small-text">Failed jobs of one queue can be replayed together.</span>}
      <button type="button" class="button small quiet" onClick={clear}>Select none</button>
    </>
  );
}

function NoJobs({text}: {text: string}) {
  if (text) return <Empty icon="search" title="No job matches"><p>Nothing on the broker's disk fits <code>{text}</code>. <a href={href('jobs')}>All jobs</a></p></Empty>;
  return (
    <Empty icon="jobs" title="No jobs" command={pawlOf(['enqueue', 'hello', '{"name":"world"}'], brokerAddress())}>
      <p>Jobs that are submitted are listed here, whatever becomes of them. Submit one:</p>
    </Empty>
  );
}
