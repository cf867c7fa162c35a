// Ctrl-K: every screen, queue and setting by a few letters, and a job by its id.
import {useMemo, useState} from 'preact/hooks';

import {queues} from '../state/broker';
import {bindings, openDialog, toggleShortcuts} from '../state/keys';
import {go, href, withQuery} from '../state/place';
import {theme, themes, zone} from '../state/preferences';
import {Dialog} from './dialog';
import {screens} from './top-bar';

interface Entry {
  text: string;
  hint: string;
  run: () => void;
}

const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const shownMax = 12;

function entries(): Entry[] {
  return [
    ...screens.map(({path, name}) => ({text: name, hint: 'screen', run: () => go(href(...(path ? [path] : [])))})),
    {text: 'Store', hint: 'screen', run: () => go(href('store'))},
    {text: 'API', hint: 'screen', run: () => go(href('api'))},
    ...(queues.value ?? []).flatMap(({queue}) => [
      {text: queue, hint: 'queue', run: () => go(href('queues', queue))},
      {text: `jobs of ${queue}`, hint: 'list', run: () => go(withQuery(href('jobs'), {q: `queue:${queue}`}))},
    ]),
    ...bindings.value.filter(({keys}) => !keys.includes(' ')).map(({does, keys, run}) => ({text: does, hint: `key ${keys}`, run})),
    ...themes.map((name) => ({text: `Theme: ${name}`, hint: 'setting', run: () => (theme.value = name)})),
    {text: zone.value === 'utc' ? 'Times in local time' : 'Times in UTC', hint: 'setting', run: () => (zone.value = zone.value === 'utc' ? 'local' : 'utc')},
    {text: 'Single-key shortcuts on or off', hint: 'setting', run: toggleShortcuts},
  ];
}

/// Every letter of the words must come in order.
function matches(text: string, wanted: string): boolean {
  const low = text.toLowerCase();
  return wanted.toLowerCase().split(/\s+/).every((word) => low.includes(word));
}

export function Palette() {
  const [typed, setTyped] = useState('');
  const [at, setAt] = useState(0);
  const close = () => (openDialog.value = null);
  const found = useMemo(() => {
    const wanted = typed.trim();
    const list = entries().filter(({text}) => matches(text, wanted)).slice(0, shownMax);
    if (idPattern.test(wanted)) list.unshift({text: `Job ${wanted}`, hint: 'job', run: () => go(href('jobs', wanted.toLowerCase()))});
    else if (wanted) list.push({text: `Search jobs: ${wanted}`, hint: 'search', run: () => go(withQuery(href('jobs'), {q: wanted}))});
    return list;
  }, [typed, queues.value]);
  const choose = (entry: Entry | undefined) => {
    if (!entry) return;
    close();
    entry.run();
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setAt((at + 1) % found.length);
    else if (event.key === 'ArrowUp') setAt((at + found.length - 1) % found.length);
    else if (event.key === 'Enter') choose(found[at]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Find or do something" close={close}>
      <input
        class="palette-input" role="combobox" aria-expanded="true" aria-controls="palette-list" aria-activedescendant={found[at] ? `palette-${at}` : undefined} aria-label="Screen, queue, job id or setting"
        placeholder="Screen, queue, job id or setting" value={typed} autofocus
        onInput={(event) => { setTyped(event.currentTarget.value); setAt(0); }} onKeyDown={key} />
      <ul class="palette" role="listbox" id="palette-list" aria-label="What was found">
        {found.map((entry, index) => (
          <li key={entry.text + entry.hint} id={`palette-${index}`} role="option" aria-selected={index === at} onClick={() => choose(entry)}>
            <span class="clip">{entry.text}</span>
            <span class="muted small-text">{entry.hint}</span>
          </li>
        ))}
      </ul>
    </Dialog>
  );
}
