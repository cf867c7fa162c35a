// The same action for all jobs that match the search: says how many that is first.
import {useEffect, useState} from 'preact/hooks';

import {api, type JobFilter} from '../../api/api';
import {Failure} from '../../api/http';
import {ActionButton} from '../../parts/action-button';
import {Dialog} from '../../parts/dialog';
import {bulk, type BulkAction} from '../../state/actions';
import {go, href} from '../../state/place';
import {complain} from '../../state/toasts';
import {plural, shortDuration} from '../../text/format';

const consequences: Record<BulkAction, string> = {
  retry: 'run again, attempts counted anew; those that have not ended are refused',
  cancel: 'are cancelled; the workers of those that run are told',
  promote: 'are due now; those that are not delayed are refused',
  delete: 'are removed for good, with payload, errors and logs; those that run are refused',
};

export function BulkJobs({text, filter, close}: {text: string; filter: JobFilter; close: () => void}) {
  const [action, setAction] = useState<BulkAction>(filter.status?.join() === 'delayed' ? 'promote' : filter.status?.every((status) => ['failed', 'cancelled', 'completed'].includes(status)) ? 'retry' : 'cancel');
  const [matching, setMatching] = useState<{count: number; exact: boolean} | null>(null);
  const [pace, setPace] = useState('');
  const [typed, setTyped] = useState('');
  useEffect(() => {
    api.countJobs(filter).then(setMatching, (error) => (error instanceof Failure ? complain(error) : Promise.reject(error)));
  }, []);
  const perSecond = Number(pace) > 0 ? Number(pace) : undefined;
  const isGrave = action === 'delete' || action === 'cancel';
  const number = matching && (matching.exact ? plural(matching.count, 'job') : `more than ${plural(matching.count, 'job')}`);
  const ready = matching !== null && matching.count > 0 && (!isGrave || typed.replace(/[\s,]/g, '') === String(matching.count));
  return (
    <Dialog title="All that match" close={close}>
      <p><code>{text}</code></p>
      <div class="segments" role="group" aria-label="Action">
        {(['retry', 'cancel', 'promote', 'delete'] as const).map((one) => <button type="button" key={one} aria-pressed={one === action} onClick={() => setAction(one)}>{one}</button>)}
      </div>
      <p><strong data-count>{number ?? 'Counting…'}</strong> {consequences[action]}.</p>
      <label class="field">
        <span>Jobs a second</span>
        <input type="number" min="0.001" step="any" value={pace} placeholder="as fast as it goes" onInput={(event) => setPace(event.currentTarget.value)} />
        {perSecond && matching && <span class="muted small-text">takes about {shortDuration((matching.count / perSecond) * 1000)}</span>}
      </label>
      {isGrave && matching && matching.count > 0 && (
        <label class="field">
          <span>Type <strong>{matching.count}</strong> to go on</span>
          <input inputMode="numeric" autocomplete="off" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        </label>
      )}
      <footer>
        <span class="grow" />
        <button type="button" class="button" onClick={close}>Leave it</button>
        <ActionButton action={bulk(action, filter, perSecond)} kind={isGrave ? 'danger' : 'primary'} disabled={!ready} then={() => go(href('operations'))} />
      </footer>
    </Dialog>
  );
}
