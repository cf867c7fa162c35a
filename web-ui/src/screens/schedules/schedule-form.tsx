// Makes a schedule or changes one. What the form has no field for stays as it was.
import {useMemo, useState} from 'preact/hooks';

import type {Schedule} from '../../api/types';
import {ActionButton} from '../../parts/action-button';
import {Dialog} from '../../parts/dialog';
import {putSchedule} from '../../state/actions';
import {queues} from '../../state/broker';
import {cronWords, everyWords} from '../../text/cron-words';
import {parseDuration} from '../../text/format';
import {holdsMask, mask, memberText, objectText, parseJson, prettyOrAsIs} from '../../text/json-tree';

interface Props {
  first?: {schedule: Schedule; payload: string; text: string};
  close: () => void;
  saved: (id: string) => void;
}

/// Members of a schedule that the form shows no field for, and that a PUT takes.
const others = [
  'priority', 'delayMs', 'maxAttempts', 'maxStalls', 'backoff', 'leaseMs', 'timeoutMs', 'uniqueKey', 'uniqueForMs', 'throttle', 'debounce', 'latest', 'callback', 'group', 'limits',
  'ordered', 'retention', 'tags', 'traceparent', 'startAt', 'endAt', 'maxRuns',
];

const zones = Intl.supportedValuesOf('timeZone');

function startOf(first: Props['first']) {
  const schedule = first?.schedule;
  return {
    id: schedule?.scheduleId ?? '',
    queue: schedule?.queue ?? '',
    name: schedule?.name && schedule.name !== schedule.queue ? schedule.name : '',
    when: schedule ? (schedule.cron ?? `${(schedule.everyMs ?? 0) / 1000}s`) : '',
    zone: schedule?.timezone ?? 'UTC',
    payload: first ? prettyOrAsIs(first.payload) : '',
    missed: schedule?.missed ?? 'one',
    overlap: schedule?.overlap ?? 'allow',
  };
}

const isCron = (when: string) => parseDuration(when) === null;

export function ScheduleForm({first, close, saved}: Props) {
  const [form, setForm] = useState(() => startOf(first));
  const field = (key: keyof typeof form) => ({
    value: form[key],
    onInput: (event: {currentTarget: HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement}) => setForm((old) => ({...old, [key]: event.currentTarget.value})),
  });
  const wrong = useMemo(() => {
    try {
      if (form.payload.trim()) parseJson(form.payload.trim());
    } catch (error) {
      return `No JSON: ${(error as SyntaxError).message}.`;
    }
    return first?.schedule.redacted && holdsMask(form.payload) ? `The broker hides values of this payload: write one in place of each "${mask}".` : null;
  }, [form.payload]);
  const every = parseDuration(form.when);
  const words = form.when.trim() === '' ? '' : every !== null ? everyWords(every) : cronWords(form.when);
  const kept = first ? others.map((key): [string, string | undefined] => [key, memberText(first.text, key)]) : [];
  const text = (value: string) => JSON.stringify(value.trim());
  const body = objectText([
    ['queue', text(form.queue)],
    ['name', form.name.trim() ? text(form.name) : undefined],
    ['payload', form.payload.trim() || 'null'],
    isCron(form.when) ? ['cron', text(form.when)] : ['everyMs', String(every)],
    ['timezone', isCron(form.when) ? text(form.zone || 'UTC') : undefined],
    ['missed', text(form.missed)],
    ['overlap', text(form.overlap)],
    ...kept,
  ]);
  const ready = form.id.trim() !== '' && form.queue.trim() !== '' && form.when.trim() !== '' && wrong === null;
  return (
    <Dialog title={first ? `Edit ${form.id}` : 'New schedule'} close={close} wide>
      <form class="form" onSubmit={(event) => event.preventDefault()}>
        <div class="form-row">
          {!first && <label class="field"><span>Id</span><input autofocus autocomplete="off" placeholder="nightly" {...field('id')} /></label>}
          <label class="field"><span>Queue</span><input list="schedule-queues" autocomplete="off" {...field('queue')} /></label>
          <datalist id="schedule-queues">{(queues.value ?? []).map(({queue}) => <option key={queue} value={queue} />)}</datalist>
          <label class="field"><span>Name</span><input autocomplete="off" placeholder="the queue's" {...field('name')} /></label>
        </div>
        <div class="form-row">
          <label class="field"><span>When</span><input autocomplete="off" spellcheck={false} placeholder="30 2 * * MON-FRI, or 15 min" aria-describedby="when-said" {...field('when')} /></label>
          {isCron(form.when) && <label class="field"><span>Time zone</span><input list="zones" autocomplete="off" {...field('zone')} /></label>}
          <datalist id="zones">{zones.map((zone) => <option key={zone} value={zone} />)}</datalist>
        </div>
        <p id="when-said" class="muted" role="status">{words ?? 'There are no words for this expression; the broker says whether it is one.'}</p>
        <label class="field">
          <span>Payload, as JSON</span>
          <textarea spellcheck={false} placeholder="null" aria-invalid={wrong !== null} {...field('payload')} />
          <span class="said" role="status">{wrong}</span>
        </label>
        <div class="form-row">
          <label class="field">
            <span>Runs missed while the broker was down</span>
            <select {...field('missed')}><option value="one">make up for the last</option><option value="skip">leave out</option><option value="all">make up for each</option></select>
          </label>
          <label class="field">
            <span>When the last job has not ended</span>
            <select {...field('overlap')}><option value="allow">run both</option><option value="skip">leave the run out</option><option value="replace">cancel the older one</option></select>
          </label>
        </div>
        <footer>
          <span class="grow" />
          <button type="button" class="button" onClick={close}>Leave it</button>
          <ActionButton action={putSchedule(form.id.trim(), body)} kind="primary" disabled={!ready} then={() => saved(form.id.trim())} />
        </footer>
      </form>
    </Dialog>
  );
}
