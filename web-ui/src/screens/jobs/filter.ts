// The words of the search box ↔ the filter of GET /jobs: queue:mail state:failed,delayed tag:eu created:<2h "no answer"
import type {JobFilter} from '../../api/api';
import {statuses, type Status} from '../../api/types';
import {parseDuration} from '../../text/format';

export interface Search {
  filter: JobFilter;
  /// A job that is named by its whole id.
  id?: string;
  /// Ages count from the moment of the search, which the address keeps.
  relative: boolean;
  /// Words that the broker cannot search by.
  unknown: string[];
}

export const qualifiers = ['queue', 'state', 'name', 'group', 'tag', 'error', 'id', 'worker', 'created', 'attempts', 'payload'] as const;
export type Qualifier = (typeof qualifiers)[number];

const idPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/// Words between blanks; a part in quotes may hold blanks.
export function wordsOf(text: string): string[] {
  return text.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? [];
}

function unquoted(value: string): string {
  return value.replaceAll('"', '');
}

export function wordOf(key: Qualifier, value: string): string {
  return `${key}:${/\s/.test(value) ? `"${value}"` : value}`;
}

function statesOf(value: string): Status[] | null {
  const states = value.split(',').filter(Boolean);
  return states.length > 0 && states.every((state) => statuses.includes(state as Status)) ? (states as Status[]) : null;
}

/// ">2h": longer ago than two hours; "<2h": within them. "2026-11-03": that day; ">2026-11-03": from then on.
function takeCreated(value: string, search: Search, base: number): boolean {
  const [, sign, rest] = /^([<>]?)=?(.*)$/.exec(value)!;
  const age = parseDuration(rest!);
  const {filter} = search;
  if (age !== null) {
    const at = new Date(base - age).toISOString();
    search.relative = true;
    if (sign === '>') filter.createdBefore = at;
    else filter.createdAfter = at;
    return true;
  }
  const time = Date.parse(rest!);
  if (Number.isNaN(time)) return false;
  if (sign !== '<') filter.createdAfter = new Date(time).toISOString();
  if (sign !== '>') filter.createdBefore = new Date(sign === '<' ? time : time + 86_400_000).toISOString();
  return true;
}

function takeAttempts(value: string, filter: JobFilter): boolean {
  const found = /^([<>]?)(=?)(\d+)$/.exec(value);
  if (!found) return false;
  const number = Number(found[3]);
  const other = found[2] ? 0 : 1;
  if (found[1] !== '<') filter.attemptsMin = number + (found[1] === '>' ? other : 0);
  if (found[1] !== '>') filter.attemptsMax = Math.max(0, number - (found[1] === '<' ? other : 0));
  return true;
}

function takeIndexed(key: string, value: string, search: Search, base: number): boolean {
  const {filter} = search;
  if (key === 'worker') filter.worker = value;
  else if (key === 'created') return takeCreated(value, search, base);
  else if (key === 'attempts') return takeAttempts(value, filter);
  else if (key === 'id' && /^[0-9a-f-]{1,36}$/i.test(value)) filter.id = value;
  else if (key.startsWith('payload.')) filter.payload = {...filter.payload, [key]: value};
  else return false;
  return true;
}

function takeWord(word: string, search: Search, base: number): boolean {
  const colon = word.startsWith('"') ? -1 : word.indexOf(':');
  const key = word.slice(0, Math.max(0, colon));
  const value = unquoted(word.slice(colon + 1));
  const {filter} = search;
  if (idPattern.test(value) && (colon < 0 || key === 'id')) {
    search.id = value.toLowerCase();
    return true;
  }
  if (!value) return false;
  if (colon < 0) {
    filter.q = filter.q ? `${filter.q} ${value}` : value;
    return true;
  }
  switch (key) {
    case 'queue': filter.queue = value; return true;
    case 'name': filter.name = value; return true;
    case 'group': filter.group = value; return true;
    case 'tag': filter.tag = value; return true;
    case 'error': filter.errorType = value; return true;
    case 'state': {
      const states = statesOf(value);
      if (states) filter.status = states;
      return states !== null;
    }
    default: return takeIndexed(key, value, search, base);
  }
}

/// base: ages count back from then, in milliseconds of the broker's clock.
export function parseSearch(text: string, base: number): Search {
  const search: Search = {filter: {}, relative: false, unknown: []};
  for (const word of wordsOf(text)) if (!takeWord(word, search, base)) search.unknown.push(word);
  return search;
}

/// The text with one qualifier set, or taken out when there is no value.
export function withWord(text: string, key: Qualifier, value: string | null): string {
  const others = wordsOf(text).filter((word) => !word.startsWith(key + ':'));
  return [...others, ...(value ? [wordOf(key, value)] : [])].join(' ');
}

/// What the broker counts by itself: queues and states.
export function isCounted({queue: _queue, status: _status, ...others}: JobFilter): boolean {
  return Object.keys(others).length === 0;
}

/// What bulk operations take too.
export function suitsBulk({id}: JobFilter): boolean {
  return id === undefined;
}

/// Whether an event's job belongs to the list, as far as an event tells.
export function mayMatch({queue, name, status}: {queue: string; name: string; status: Status}, filter: JobFilter): boolean {
  const {name: wanted, ...others} = filter;
  if (!isCounted(others)) return false;
  return (!filter.queue || filter.queue === queue) && (!wanted || wanted === name) && (!filter.status || filter.status.includes(status));
}
