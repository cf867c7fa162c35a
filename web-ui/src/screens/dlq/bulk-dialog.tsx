// Replay or purge all that match: says how many that is, and at which pace.
import {useEffect, useState} from 'preact/hooks';

import {api, type DeadLetterFilter} from '../../api/api';
import {Failure, type Answer} from '../../api/http';
import {ActionButton} from '../../parts/action-button';
import {Dialog} from '../../parts/dialog';
import {purge, replay} from '../../state/actions';
import {queues} from '../../state/broker';
import {complain} from '../../state/toasts';
import {count, plural, shortDuration} from '../../text/format';

interface Props {
  kind: 'replay' | 'purge';
  queue: string;
  filter: DeadLetterFilter;
  /// How many match, where that is known without counting.
  total: number | null;
  close: () => void;
  done: (answer: Answer) => void;
}

export function BulkDialog({kind, queue, filter, total, close, done}: Props) {
  const filtered = !!(filter.name || filter.errorType || filter.fingerprint);
  const [matching, setMatching] = useState<{count: number; exact: boolean} | null>(total === null ? null : {count: total, exact: true});
  const [canary, setCanary] = useState('');
  const [share, setShare] = useState('');
  const [into, setInto] = useState(queue);
  const [pace, setPace] = useState('');
  const [typed, setTyped] = useState('');
  useEffect(() => {
    if (total === null) api.countDeadLetters(queue, filter).then(setMatching, (error) => (error instanceof Failure ? complain(error) : Promise.reject(error)));
  }, []);
  const perSecond = Number(pace) > 0 ? Number(pace) : undefined;
  const care = {canary: Number(canary) > 0 ? Number(canary) : undefined, stopOnFailureRate: share.trim() === '' ? undefined : Number(share) / 100};
  const elsewhere = into !== queue;
  const known = queues.value?.map((each) => each.queue) ?? [];
  const action = kind === 'replay' ? replay(queue, {...filter, perSecond, ...care, into: elsewhere ? into : undefined}) : purge(queue, {...filter});
  const number = matching && (matching.exact ? plural(matching.count, 'job') : `more than ${plural(matching.count, 'job')}`);
  const ready = matching !== null && matching.count > 0 && (kind === 'replay' ? known.includes(into) : typed.replace(/[\s,]/g, '') === String(matching.count));
  return (
    <Dialog title={kind === 'replay' ? `Replay dead letters of ${queue}` : `Purge dead letters of ${queue}`} close={close}>
      <p>
        <strong data-count>{number ?? 'Counting…'}</strong>
        {filtered ? <> with {filter.name && <>name <code>{filter.name}</code></>}{filter.name && filter.errorType && ' and '}{filter.errorType && <>error <code>{filter.errorType}</code></>}{filter.fingerprint && <> this cause</>}</> : ' in all'}
        {kind === 'replay' ? <> will run again, attempts counted anew; what happened to them so far is kept{elsewhere && ', but for their ids, unique keys and log lines'}.</> : <> will be deleted for good, with payload, errors and logs.</>}
      </p>
      {kind === 'replay' && (
        <label class="field">
          <span>In queue</span>
          <input list="into" value={into} onInput={(event) => setInto(event.currentTarget.value.trim())} />
          <datalist id="into">{known.map((each) => <option key={each} value={each} />)}</datalist>
          {!known.includes(into) && <span class="bad small-text">there is no such queue</span>}
        </label>
      )}
      {kind === 'replay' && (
        <label class="field">
          <span>Jobs a second</span>
          <input type="number" min="0.001" step="any" value={pace} placeholder="as fast as it goes" onInput={(event) => setPace(event.currentTarget.value)} />
          {perSecond && matching && <span class="muted small-text">takes about {shortDuration((matching.count / perSecond) * 1000)}</span>}
        </label>
      )}
      {kind === 'replay' && (
        <div class="form-row">
          <label class="field"><span>So many first</span><input type="number" min="1" max="1000" value={canary} placeholder="all at once" onInput={(event) => setCanary(event.currentTarget.value)} /></label>
          <label class="field"><span>Stop when more fail again, in %</span><input type="number" min="0" max="100" value={share} placeholder={canary ? '0' : 'never'} onInput={(event) => setShare(event.currentTarget.value)} /></label>
        </div>
      )}
      {kind === 'purge' && matching && matching.count > 0 && (
        <label class="field">
          <span>Type <strong>{matching.count}</strong> to go on</span>
          <input inputMode="numeric" autocomplete="off" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        </label>
      )}
      <footer>
        <span class="grow" />
        <button type="button" class="button" onClick={close}>Leave it</button>
        <ActionButton action={{...action, label: `${action.label} ${matching ? count(matching.count) : ''}`}} kind={kind === 'purge' ? 'danger' : 'primary'} disabled={!ready} then={done} />
      </footer>
    </Dialog>
  );
}
