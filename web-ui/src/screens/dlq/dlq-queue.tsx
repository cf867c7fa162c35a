// The dead letters of a queue: look, replay (some, all that match, at a pace), purge.
import {useState} from 'preact/hooks';

import {api, type DeadLetterFilter} from '../../api/api';
import type {Answer} from '../../api/http';
import type {Operation} from '../../api/types';
import {ActionButton} from '../../parts/action-button';
import {Empty} from '../../parts/empty';
import {JobTable} from '../../parts/job-table';
import {Paging} from '../../parts/paging';
import {Problem} from '../../parts/problem';
import {replay} from '../../state/actions';
import {countOf} from '../../state/broker';
import {useKeys} from '../../state/keys';
import {chosen, href, place, relist, setQuery} from '../../state/place';
import {say} from '../../state/toasts';
import {usePoll} from '../../state/use-poll';
import {count, plural} from '../../text/format';
import {BulkDialog} from './bulk-dialog';
import {Causes} from './causes';
import {OperationPanel} from './operation-panel';

export interface BulkAnswer {
  replayed?: number;
  purged?: number;
  skipped: number;
  operationId: string | null;
  state: Operation['state'];
}

export function DlqQueue({id: queue}: {id: string}) {
  const {query} = place.value;
  const filter: DeadLetterFilter = {name: query.get('name') ?? undefined, errorType: query.get('error') ?? undefined, fingerprint: query.get('cause') ?? undefined};
  const cursor = query.get('cursor');
  const operation = query.get('operation');
  const key = JSON.stringify([queue, filter, cursor]);
  const page = usePoll(key, (signal) => api.deadLetters(queue, filter, cursor, signal), 0);
  const [selected, setSelected] = chosen();
  const [bulk, setBulk] = useState<{kind: 'replay' | 'purge'; filter: DeadLetterFilter; total: number | null} | null>(null);
  const [version, setVersion] = useState(0);
  useKeys([{keys: '.', does: 'Read the list anew', run: page.refresh}]);

  const total = countOf('failed', queue);
  const jobs = page.data?.jobs ?? [];
  const picked = jobs.flatMap(({jobId}) => (selected.has(jobId) ? [jobId] : []));
  const done = ({text}: Answer) => {
    const answer = JSON.parse(text) as BulkAnswer;
    setSelected(new Set());
    setBulk(null);
    if (answer.state !== 'done' && answer.operationId) relist({operation: answer.operationId});
    else say(`${plural(answer.replayed ?? answer.purged ?? 0, 'job')} ${answer.purged === undefined ? 'replayed' : 'purged'}${answer.skipped ? `, ${count(answer.skipped)} had changed meanwhile` : ''}.`);
    page.refresh();
    setVersion((old) => old + 1);
  };
  const isFiltered = !!(filter.name || filter.errorType || filter.fingerprint);
  const openBulk = (kind: 'replay' | 'purge') => setBulk({kind, filter, total: isFiltered ? null : total});
  const errors = [...new Set(jobs.flatMap(({lastError}) => (lastError ? [lastError.type] : [])))];
  return (
    <>
      <div class="page-head">
        <div>
          <h1 tabIndex={-1}>Dead letters of <a href={href('queues', queue)}>{queue}</a></h1>
          {total !== null && <span class="num muted" data-total>{count(total)}</span>}
        </div>
        <div class="actions">
          <button type="button" class="button primary" disabled={!total} onClick={() => openBulk('replay')}>Replay…</button>
          <button type="button" class="button danger" disabled={!total} onClick={() => openBulk('purge')}>Purge…</button>
        </div>
      </div>
      {operation && <OperationPanel id={operation} close={() => setQuery({operation: undefined}, 'replace')} ended={() => { page.refresh(); setVersion((old) => old + 1); }} />}
      <Causes queue={queue} version={version} act={(kind, cause, matching) => setBulk({kind, filter: cause, total: matching})} />
      <section class="panel" aria-label="Dead letters">
        <header class="bar">
          {picked.length > 0
            ? <>
                <strong class="num">{plural(picked.length, 'job')} selected</strong>
                <ActionButton action={{...replay(queue, {jobIds: picked}), label: `Replay ${count(picked.length)}`}} icon="retry" kind="primary" then={done} />
                <button type="button" class="button small quiet" onClick={() => setSelected(new Set())}>Select none</button>
              </>
            : <>
                {filter.fingerprint && <span>of one cause <button type="button" class="button small quiet" onClick={() => relist({cause: undefined})}>Show all</button></span>}
                <label class="inline">Name <input class="find" value={filter.name ?? ''} placeholder="any" onChange={(event) => relist({name: event.currentTarget.value.trim()})} /></label>
                <label class="inline">Error <input class="find" list="errors" value={filter.errorType ?? ''} placeholder="any" onChange={(event) => relist({error: event.currentTarget.value.trim()})} /></label>
                <datalist id="errors">{errors.map((type) => <option key={type} value={type} />)}</datalist>
              </>}
          <span class="grow" />
          <button type="button" class="button small quiet" onClick={page.refresh}>Refresh</button>
        </header>
        {page.failure && <Problem failure={page.failure} />}
        {jobs.length > 0 && <JobTable jobs={jobs} selection={{ids: selected, set: setSelected}} gone={(job) => job.status !== 'failed'} hideQueue />}
        {page.data && jobs.length === 0 && (isFiltered
          ? <Empty icon="search" title="None of them matches"><p><a href={href('dlq', queue)}>All dead letters of {queue}</a></p></Empty>
          : <Empty icon="completed" title="No dead letters"><p>Nothing of {queue} failed for good.</p></Empty>)}
      </section>
      <Paging nextCursor={page.data?.nextCursor ?? null} />
      {bulk && <BulkDialog {...bulk} queue={queue} close={() => setBulk(null)} done={done} />}
    </>
  );
}
