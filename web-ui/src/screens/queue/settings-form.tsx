// Changes a queue's limits and defaults. An empty field leaves the matter to the broker.
import {useState} from 'preact/hooks';

import type {Queue, QueueChange} from '../../api/types';
import {ActionButton} from '../../parts/action-button';
import {Dialog} from '../../parts/dialog';
import {putQueue} from '../../state/actions';
import {pawlDuration} from '../../text/commands';
import {parseDuration} from '../../text/format';

const numberText = (value: number | null | undefined) => value?.toString() ?? '';
const spanText = (ms: number | null | undefined) => (ms ? pawlDuration(ms) : '');

function startOf({settings: {maxConcurrency, rateLimit, groupConcurrency, priorityAgeingMs, defaults}}: Queue) {
  return {
    maxConcurrency: numberText(maxConcurrency),
    rateMax: numberText(rateLimit?.max),
    ratePer: spanText(rateLimit?.perMs),
    groupConcurrency: numberText(groupConcurrency),
    ageing: spanText(priorityAgeingMs),
    priority: numberText(defaults.priority),
    maxAttempts: numberText(defaults.maxAttempts),
    lease: spanText(defaults.leaseMs),
    timeout: spanText(defaults.timeoutMs),
  };
}

export function SettingsForm({queue, close, saved}: {queue: Queue; close: () => void; saved: () => void}) {
  const [form, setForm] = useState(() => startOf(queue));
  const number = (key: keyof typeof form, label: string, hint: string) => (
    <label class="field"><span>{label}</span><input type="number" placeholder={hint} value={form[key]} onInput={(event) => setForm({...form, [key]: event.currentTarget.value})} /></label>
  );
  const isBad = (key: keyof typeof form) => form[key].trim() !== '' && parseDuration(form[key]) === null;
  const span = (key: keyof typeof form, label: string, hint: string) => (
    <label class="field"><span>{label}</span><input autocomplete="off" placeholder={hint} aria-invalid={isBad(key)} value={form[key]} onInput={(event) => setForm({...form, [key]: event.currentTarget.value})} /></label>
  );
  const numberOf = (key: keyof typeof form) => (form[key].trim() ? Number(form[key]) : null);
  const msOf = (key: keyof typeof form) => parseDuration(form[key]);
  const perMs = msOf('ratePer');
  const max = numberOf('rateMax');
  const change: QueueChange = {
    maxConcurrency: numberOf('maxConcurrency'),
    rateLimit: max && perMs ? {max, perMs, ...(queue.settings.rateLimit?.burst ? {burst: queue.settings.rateLimit.burst} : {})} : null,
    groupConcurrency: numberOf('groupConcurrency'),
    priorityAgeingMs: msOf('ageing'),
    defaults: {priority: numberOf('priority'), maxAttempts: numberOf('maxAttempts'), leaseMs: msOf('lease'), timeoutMs: msOf('timeout')},
  };
  const ready = !(['ratePer', 'ageing', 'lease', 'timeout'] as const).some(isBad) && (max === null) === (perMs === null);
  return (
    <Dialog title={`Limits and defaults of ${queue.queue}`} close={close}>
      <form class="form" onSubmit={(event) => event.preventDefault()}>
        <div class="form-row">{number('maxConcurrency', 'Run at once', 'no limit')}{number('groupConcurrency', 'Of each group', 'no limit')}</div>
        <div class="form-row">{number('rateMax', 'Jobs that start', 'no limit')}{span('ratePer', 'within', '1 min')}</div>
        <div class="form-row">{number('priority', 'Priority', '0')}{span('ageing', 'One priority higher each', 'never')}</div>
        <div class="form-row">{number('maxAttempts', 'Attempts', '3')}{span('lease', 'Lease', '30s')}{span('timeout', 'Time limit', 'none')}</div>
        <p class="muted small-text">The limits hold at once; the defaults are those of jobs submitted from now on.</p>
        <footer>
          <span class="grow" />
          <button type="button" class="button" onClick={close}>Leave it</button>
          <ActionButton action={putQueue(queue.queue, change)} kind="primary" disabled={!ready} then={saved} />
        </footer>
      </form>
    </Dialog>
  );
}
