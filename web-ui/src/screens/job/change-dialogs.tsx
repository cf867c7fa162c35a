// Another time, or another priority, for a job that waits.
import {useState} from 'preact/hooks';

import type {Job} from '../../api/types';
import {ActionButton} from '../../parts/action-button';
import {Dialog} from '../../parts/dialog';
import {Time} from '../../parts/time';
import {changePriority, reschedule} from '../../state/actions';
import {brokerNow, now} from '../../state/clock';
import {zone} from '../../state/preferences';
import {ago, localInput, moment, readLocalInput} from '../../text/format';

interface Props {
  job: Job;
  close: () => void;
  refresh: () => void;
}

const minute = 60_000;
const hour = 60 * minute;

/// What a click fills in: [name, milliseconds from now].
const picks: [string, number][] = [['in 10 min', 10 * minute], ['in 1 h', hour], ['tomorrow', 24 * hour], ['in a week', 7 * 24 * hour]];

export function RescheduleDialog({job, close, refresh}: Props) {
  const utc = zone.value === 'utc';
  const [text, setText] = useState(localInput(brokerNow() + hour, utc));
  const at = readLocalInput(text, utc);
  const passed = at !== null && at <= now.value;
  const waitsForOthers = job.status === 'blocked';
  return (
    <Dialog title="Reschedule this job" close={close}>
      <p>
        {waitsForOthers ? 'It starts no sooner, even when what it waits for has ended.' : 'No worker gets it before.'}
        {job.status === 'delayed' && job.runAt && <> It is due <Time at={job.runAt} absolute />.</>}
      </p>
      <div class="segments" role="group" aria-label="Quick picks">
        {picks.map(([name, ms]) => <button type="button" key={name} onClick={() => setText(localInput(brokerNow() + ms, utc))}>{name}</button>)}
      </div>
      <label class="field">
        <span>Not before</span>
        <input type="datetime-local" step="1" value={text} onInput={(event) => setText(event.currentTarget.value)} />
        <span class="muted small-text" data-says>{at === null ? 'a date and a time' : <>{moment(at, utc)}, {passed ? 'which has passed: it may start at once' : ago(now.value - at)}</>}</span>
      </label>
      <footer>
        <span class="grow" />
        <button type="button" class="button" onClick={close}>Leave it</button>
        <ActionButton action={reschedule(job.jobId, new Date(at ?? 0).toISOString())} icon="delayed" kind="primary" disabled={at === null} then={() => { close(); refresh(); }} />
      </footer>
    </Dialog>
  );
}

export function PriorityDialog({job, close, refresh}: Props) {
  const [text, setText] = useState(String(job.priority));
  const priority = Number(text);
  const valid = text.trim() !== '' && Number.isInteger(priority) && Math.abs(priority) <= 1000;
  return (
    <Dialog title="Change this job’s priority" close={close}>
      <p>Of the jobs of <code>{job.queue}</code> that wait, those with the higher priority start first; of equals, those that were submitted first.</p>
      <label class="field">
        <span>Priority, −1000 to 1000</span>
        <input type="number" min="-1000" max="1000" step="1" value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <footer>
        <span class="grow" />
        <button type="button" class="button" onClick={close}>Leave it</button>
        <ActionButton action={changePriority(job.jobId, priority)} kind="primary" disabled={!valid || priority === job.priority} then={() => { close(); refresh(); }} />
      </footer>
    </Dialog>
  );
}
