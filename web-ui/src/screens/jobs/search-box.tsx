// One field for all filters, with suggestions: the qualifiers, then values for the one that is being typed.
import {useEffect, useLayoutEffect, useMemo, useRef, useState} from 'preact/hooks';

import {api} from '../../api/api';
import {statuses, type ListedJob} from '../../api/types';
import {Icon} from '../../parts/icons';
import {queues} from '../../state/broker';
import {qualifiers, wordOf, wordsOf, type Qualifier} from './filter';

const meanings: Record<Qualifier, string> = {
  queue: 'jobs of a queue',
  state: 'pending, active, failed…; several with commas',
  name: 'the kind of job',
  group: 'the group',
  tag: 'one of the tags',
  error: 'the type of the last error',
  id: 'one job, or how its id begins',
  worker: 'of the latest attempt',
  created: '<2h within, >2h before; a date',
  attempts: '>2, <3, 0',
  payload: 'payload.user.id:42, at paths that the queue declares',
};

interface Suggestion {
  text: string;
  hint: string;
  /// A qualifier is only the beginning of a word.
  whole: boolean;
}

/// Distinct values of what is on the page, for names, tags and the like.
function seen(key: Qualifier, jobs: ListedJob[]): string[] {
  const values = jobs.flatMap((job) => {
    if (key === 'name') return [job.name];
    if (key === 'tag') return job.tags;
    if (key === 'group') return job.group ? [job.group] : [];
    return key === 'error' && job.lastError ? [job.lastError.type] : [];
  });
  return [...new Set(values)];
}

export function suggest(text: string, known: string[], queueNames: string[]): Suggestion[] {
  const word = /\s$/.test(text) ? '' : (wordsOf(text).at(-1) ?? '');
  const colon = word.indexOf(':');
  if (colon < 0) {
    const used = new Set(wordsOf(text).map((one) => one.split(':')[0]));
    return qualifiers.filter((key) => key.startsWith(word.toLowerCase()) && !used.has(key)).map((key) => ({text: key + (key === 'payload' ? '.' : ':'), hint: meanings[key], whole: false}));
  }
  const key = word.slice(0, colon) as Qualifier;
  const typed = word.slice(colon + 1).replaceAll('"', '').toLowerCase();
  const values = key === 'queue' ? queueNames : key === 'state' ? [...statuses] : known;
  return values
    .filter((value) => value.toLowerCase().includes(typed) && value.toLowerCase() !== typed)
    .slice(0, 8)
    .map((value) => ({text: wordOf(key, value), hint: '', whole: true}));
}

const fields: Partial<Record<string, string>> = {name: 'name', group: 'group', tag: 'tag', error: 'errorType', worker: 'worker'};

/// Values that jobs have for the qualifier being typed: from the broker's index, and from the page while that is not made.
function useValues(typed: string, jobs: ListedJob[], ask: boolean): string[] {
  const word = /\s$/.test(typed) ? '' : (wordsOf(typed).at(-1) ?? '');
  const [key = '', prefix = ''] = word.includes(':') ? [word.slice(0, word.indexOf(':')), word.slice(word.indexOf(':') + 1).replaceAll('"', '')] : [];
  const [found, setFound] = useState<string[]>([]);
  const field = fields[key];
  useEffect(() => {
    setFound([]);
    if (!ask || !field) return;
    const abort = new AbortController();
    api.suggest(field, prefix, abort.signal).then(({values}) => setFound(values), () => {});
    return () => abort.abort();
  }, [field, prefix, ask]);
  return useMemo(() => [...new Set([...found, ...seen(key as Qualifier, jobs)])], [found, key, jobs]);
}

export function SearchBox({text, jobs, search}: {text: string; jobs: ListedJob[]; search: (text: string) => void}) {
  const [typed, setTyped] = useState(text);
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  useLayoutEffect(() => setTyped(text), [text]);  // before anybody types on

  const values = useValues(typed, jobs, open);
  const found = open ? suggest(typed, values, (queues.value ?? []).map(({queue}) => queue)) : [];
  const submit = (value: string) => {
    setOpen(false);
    setAt(-1);
    search(value.trim());
  };
  const choose = (suggestion: Suggestion) => {
    const words = /\s$/.test(typed) ? wordsOf(typed) : wordsOf(typed).slice(0, -1);
    const next = [...words, suggestion.text].join(' ');
    setAt(-1);
    input.current?.focus();
    if (suggestion.whole) {
      setTyped(next);
      submit(next);
    } else {
      setTyped(next);
      setOpen(true);
    }
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown' && found.length) setAt((at + 1) % found.length);
    else if (event.key === 'ArrowUp' && found.length) setAt((at + found.length - 1) % found.length);
    else if (event.key === 'Escape' && open && found.length) setOpen(false);
    else if (event.key === 'Escape') input.current?.blur();
    else if ((event.key === 'Enter' || event.key === 'Tab') && found[at]) choose(found[at]!);
    else return;
    event.preventDefault();
  };
  return (
    <form class="search" role="search" onSubmit={(event) => { event.preventDefault(); submit(typed); }}>
      <Icon name="search" />
      <input
        ref={input} id="search" type="text" role="combobox" aria-label="Search jobs" aria-expanded={found.length > 0} aria-controls="search-list" aria-autocomplete="list"
        aria-activedescendant={found[at] ? `search-${at}` : undefined} autocomplete="off" spellcheck={false} placeholder="queue:mail state:failed tag:eu, or a job's id" value={typed}
        onInput={(event) => { setTyped(event.currentTarget.value); setOpen(true); setAt(-1); }} onFocus={() => setOpen(true)} onBlur={() => setOpen(false)} onKeyDown={key} />
      {typed && <button type="button" class="icon-button" aria-label="Search nothing" onClick={() => { setTyped(''); submit(''); }}><Icon name="close" /></button>}
      <ul class="suggestions" id="search-list" role="listbox" aria-label="Suggestions" hidden={found.length === 0}>
        {found.map((suggestion, index) => (
          <li key={suggestion.text} id={`search-${index}`} role="option" aria-selected={index === at} onMouseDown={(event) => { event.preventDefault(); choose(suggestion); }}>
            <code>{suggestion.text}</code>
            <span class="muted small-text">{suggestion.hint}</span>
          </li>
        ))}
      </ul>
    </form>
  );
}
