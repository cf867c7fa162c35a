// Limits that have a name, over all queues: how many run under each, what holds it back, and how it is set.
import {useState} from 'preact/hooks';

import {api} from '../../api/api';
import type {Limit, RateLimit} from '../../api/types';
import {ActionButton} from '../../parts/action-button';
import {Dialog} from '../../parts/dialog';
import {Empty} from '../../parts/empty';
import {Icon} from '../../parts/icons';
import {Problem} from '../../parts/problem';
import {Time} from '../../parts/time';
import {brokerAddress, deleteLimit, putLimit, resumeLimit} from '../../state/actions';
import {usePoll} from '../../state/use-poll';
import {curlOf} from '../../text/commands';
import {count, duration, parseDuration, plural} from '../../text/format';

export function rateWords({max, perMs, burst}: RateLimit): string {
  return `${plural(max, 'job')} in ${duration(perMs)}${burst ? `, ${count(burst)} at once` : ''}`;
}

export function Limits() {
  const {data, failure, refresh} = usePoll('limits', (signal) => api.limits(signal), 2000);
  const [editing, setEditing] = useState<Limit | 'new' | null>(null);
  return (
    <>
      <h1 class="visually-hidden" tabIndex={-1}>Limits</h1>
      {failure && <Problem failure={failure} />}
      {data?.length === 0 && (
        <Empty icon="limits" title="No limits" command={curlOf({method: 'PUT', path: '/limits/payments-api', body: '{"concurrency":20,"rate":{"max":500,"perMs":60000}}'}, brokerAddress())}>
          <p>Jobs of any queue that use the same scarce thing name a limit, and start when it allows. Make one here, or by a command:</p>
          <button type="button" class="button primary" onClick={() => setEditing('new')}>New limit</button>
        </Empty>
      )}
      {data && data.length > 0 && (
        <section class="panel" aria-label="Limits">
          <header><h2>Limits</h2><span class="grow" /><button type="button" class="button" onClick={() => setEditing('new')}><Icon name="enqueue" />New limit</button></header>
          <div class="table-scroll">
            <table class="list">
              <thead><tr><th scope="col">Limit</th><th scope="col" class="num">Running</th><th scope="col" class="num">At once</th><th scope="col" class="wide">Start rate</th><th scope="col" class="wide">Held until</th><th scope="col"><span class="visually-hidden">Actions</span></th></tr></thead>
              <tbody>
                {data.map((limit) => (
                  <tr key={limit.limit}>
                    <th scope="row">{limit.limit}</th>
                    <td class="num">{count(limit.active)}</td>
                    <td class="num">{limit.concurrency === null ? <span class="muted">any</span> : count(limit.concurrency)}</td>
                    <td class="wide">{limit.rate ? rateWords(limit.rate) : <span class="muted">any</span>}</td>
                    <td class="wide">{limit.heldUntil ? <span class="badge state-delayed"><Icon name="delayed" /><Time at={limit.heldUntil} absolute /></span> : <span class="muted">–</span>}</td>
                    <td>
                      <span class="actions">
                        {limit.heldUntil && <ActionButton action={resumeLimit(limit.limit)} then={refresh} />}
                        <button type="button" class="button" onClick={() => setEditing(limit)}>Edit</button>
                        <ActionButton action={deleteLimit(limit.limit)} kind="danger" then={refresh} ask={{title: `Delete ${limit.limit}?`, text: <p>1 limit is removed. It is refused while a job that waits or runs, a schedule or a trigger names it.</p>}} />
                      </span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
      {editing && <LimitForm first={editing === 'new' ? null : editing} close={() => setEditing(null)} saved={() => { setEditing(null); refresh(); }} />}
    </>
  );
}

function LimitForm({first, close, saved}: {first: Limit | null; close: () => void; saved: () => void}) {
  const [id, setId] = useState(first?.limit ?? '');
  const [concurrency, setConcurrency] = useState(first?.concurrency?.toString() ?? '');
  const [max, setMax] = useState(first?.rate?.max.toString() ?? '');
  const [per, setPer] = useState(first?.rate ? `${first.rate.perMs / 1000}s` : '1 min');
  const perMs = parseDuration(per);
  const body = JSON.stringify({
    ...(concurrency ? {concurrency: Number(concurrency)} : {}),
    ...(max && perMs ? {rate: {max: Number(max), perMs, ...(first?.rate?.burst ? {burst: first.rate.burst} : {})}} : {}),
  });
  return (
    <Dialog title={first ? `Edit ${first.limit}` : 'New limit'} close={close}>
      <form class="form" onSubmit={(event) => event.preventDefault()}>
        {!first && <label class="field"><span>Name</span><input autofocus autocomplete="off" placeholder="payments-api" value={id} onInput={(event) => setId(event.currentTarget.value.trim())} /></label>}
        <label class="field"><span>Jobs at once</span><input type="number" min="1" placeholder="any number" value={concurrency} onInput={(event) => setConcurrency(event.currentTarget.value)} /></label>
        <div class="form-row">
          <label class="field"><span>Jobs that start</span><input type="number" min="1" placeholder="any number" value={max} onInput={(event) => setMax(event.currentTarget.value)} /></label>
          <label class="field"><span>within</span><input value={per} aria-invalid={perMs === null} onInput={(event) => setPer(event.currentTarget.value)} /></label>
        </div>
        <footer>
          <span class="grow" />
          <button type="button" class="button" onClick={close}>Leave it</button>
          <ActionButton action={putLimit(id, body)} kind="primary" disabled={!id || (!concurrency && !(max && perMs))} then={saved} />
        </footer>
      </form>
    </Dialog>
  );
}
