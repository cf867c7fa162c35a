// Submit a job by a form, or take its request along as a command or a program. Filled in from another job
// (?from=ID) it says what differs, and the new job is linked with that one.
import {useEffect, useMemo, useState} from 'preact/hooks';

import {api} from '../../api/api';
import {Failure} from '../../api/http';
import {Problem} from '../../parts/problem';
import {enqueue, carryOut} from '../../state/actions';
import {queues} from '../../state/broker';
import {go, href, place} from '../../state/place';
import {say} from '../../state/toasts';
import type {Draft} from '../../text/commands';
import {draftMembers} from '../../text/commands';
import {parseDuration} from '../../text/format';
import {holdsMask, mask, objectText, parseJson, prettyOrAsIs} from '../../text/json-tree';
import {Diff} from '../../parts/diff';
import {copyTag, draftOf, emptyDraft} from './draft';
import {Snippets} from './snippets';

export function Enqueue() {
  const {query} = place.value;
  const from = query.get('from');
  const [original, setOriginal] = useState<Source | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  useEffect(() => {
    setOriginal(null);
    setFailure(null);
    if (from) readDraft(from).then(setOriginal, (error) => (error instanceof Failure ? setFailure(error) : Promise.reject(error)));
  }, [from]);
  return (
    <>
      <div class="page-head">
        <div>
          <h1 tabIndex={-1}>{from ? 'Edit and run again' : 'Enqueue a job'}</h1>
          {from && <span class="muted">a new job, from <a class="mono" href={href('jobs', from)}>{from}</a>; that one stays as it is</span>}
        </div>
      </div>
      {failure && <Problem failure={failure} />}
      {from ? original && <Form key={from} first={original.draft} original={original} /> : <Form first={{...emptyDraft, queue: query.get('queue') ?? ''}} original={null} />}
    </>
  );
}

/// The job that the form is filled in from. redacted: what was read of it is not all of it.
interface Source {
  draft: Draft;
  redacted: boolean;
}

async function readDraft(id: string): Promise<Source> {
  const {job, payload, text} = await api.job(id);
  const queue = await api.queue(job.queue).catch((error) => (error instanceof Failure ? null : Promise.reject(error)));
  return {draft: draftOf(job, payload, text, queue), redacted: job.redacted ?? false};
}

/// Why the payload cannot be submitted; null when it can.
function payloadError(text: string, redacted: boolean): string | null {
  if (!text.trim()) return null;
  try {
    parseJson(text.trim());
  } catch (error) {
    return `No JSON: ${(error as SyntaxError).message}.`;
  }
  if (redacted && holdsMask(text)) return `The broker hides values of this job: write one in place of each "${mask}". A retry or replay of the job itself keeps them.`;
  return null;
}

const asText = (draft: Draft) => prettyOrAsIs(objectText(draftMembers(draft)));

function Form({first, original}: {first: Draft; original: Source | null}) {
  const [draft, setDraft] = useState(first);
  const [delay, setDelay] = useState('');
  const [tags, setTags] = useState(first.tags.filter((tag) => !tag.startsWith(copyTag)).join(', '));
  const link = first.tags.filter((tag) => tag.startsWith(copyTag));
  const [busy, setBusy] = useState(false);
  const set = (part: Partial<Draft>) => setDraft((old) => ({...old, ...part}));
  const field = (key: 'queue' | 'name' | 'priority' | 'maxAttempts' | 'group' | 'uniqueKey' | 'idempotencyKey') => ({
    value: draft[key],
    onInput: (event: {currentTarget: HTMLInputElement}) => set({[key]: event.currentTarget.value.trim()}),
  });
  const wrong = payloadError(draft.payload, original?.redacted ?? false);
  const badDelay = delay.trim() !== '' && parseDuration(delay) === null;
  const ready = draft.queue !== '' && wrong === null && !badDelay;
  const submit = async (event: Event) => {
    event.preventDefault();
    if (!ready || busy) return;
    setBusy(true);
    const answer = await carryOut(enqueue(draft));
    setBusy(false);
    if (!answer) return;
    const {jobId} = JSON.parse(answer.text) as {jobId: string};
    const isKnown = answer.status === 200;
    say(isKnown ? 'An earlier job holds the key; this is that one.' : 'The job is submitted.');
    go(href('jobs', jobId));
  };
  const before = useMemo(() => original && asText(original.draft), [original]);
  return (
    <div class="columns">
      <form class="panel pad form" aria-label="The job" onSubmit={submit}>
        <div class="form-row">
          <label class="field"><span>Queue</span><input required list="queues" autocomplete="off" {...field('queue')} /></label>
          <datalist id="queues">{(queues.value ?? []).map(({queue}) => <option key={queue} value={queue} />)}</datalist>
          <label class="field"><span>Name</span><input autocomplete="off" placeholder="the queue's" {...field('name')} /></label>
        </div>
        <label class="field">
          <span>Payload, as JSON</span>
          <textarea
            spellcheck={false} value={draft.payload} placeholder="null" aria-invalid={wrong !== null} aria-describedby="payload-said"
            onInput={(event) => set({payload: event.currentTarget.value})} onBlur={() => wrong === null && draft.payload.trim() && set({payload: prettyOrAsIs(draft.payload.trim())})} />
          <span class="said" id="payload-said" role="status">{wrong}</span>
        </label>
        <div class="form-row">
          <label class="field"><span>Delay</span><input autocomplete="off" placeholder="none; 30s, 5 min, 2h" aria-invalid={badDelay} value={delay} onInput={(event) => { setDelay(event.currentTarget.value); set({delayMs: parseDuration(event.currentTarget.value)}); }} /></label>
          <label class="field"><span>Priority</span><input type="number" min="-1000" max="1000" placeholder="the queue's" {...field('priority')} /></label>
          <label class="field"><span>Attempts</span><input type="number" min="1" max="1000" placeholder="the queue's" {...field('maxAttempts')} /></label>
        </div>
        <div class="form-row">
          <label class="field"><span>Group</span><input autocomplete="off" {...field('group')} /></label>
          <label class="field"><span>Tags</span><input autocomplete="off" placeholder="eu, trial" value={tags} onInput={(event) => { setTags(event.currentTarget.value); set({tags: [...event.currentTarget.value.split(',').map((tag) => tag.trim()).filter(Boolean), ...link]}); }} /></label>
        </div>
        <div class="form-row">
          <label class="field"><span>Unique key</span><input autocomplete="off" placeholder="one live job for it" {...field('uniqueKey')} /></label>
          <label class="field"><span>Idempotency key</span><input autocomplete="off" placeholder="of this request" {...field('idempotencyKey')} /></label>
        </div>
        {draft.others.length > 0 && <p class="muted small-text">Also as that job had it: {draft.others.map(([key, value]) => `${key} ${value}`).join(', ')}</p>}
        <div class="row">
          <button type="submit" class="button primary" disabled={!ready || busy}>{original ? 'Run as a new job' : 'Enqueue'}</button>
        </div>
      </form>
      <div>
        {before !== null && <Diff title="What differs" before={before} after={asText(draft)} none="Nothing yet: the new job is the same." />}
        {ready && <Snippets draft={draft} />}
      </div>
    </div>
  );
}
