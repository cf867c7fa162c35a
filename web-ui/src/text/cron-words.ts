// A cron expression in words, for expressions as docs/CRON.md defines them. What it cannot say it does not guess.

interface FieldSpec {
  name: string;
  first: number;
  last: number;
  names?: string[];
}

const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const second: FieldSpec = {name: 'second', first: 0, last: 59};
const minute: FieldSpec = {name: 'minute', first: 0, last: 59};
const hour: FieldSpec = {name: 'hour', first: 0, last: 23};
const dayOfMonth: FieldSpec = {name: 'day', first: 1, last: 31};
const month: FieldSpec = {name: 'month', first: 1, last: 12, names: months};
const dayOfWeek: FieldSpec = {name: 'day of the week', first: 0, last: 7, names: days};

const words: Record<string, string> = {
  '@hourly': '0 * * * *',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@weekly': '0 0 * * SUN',
  '@monthly': '0 0 1 * *',
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
};

type Item =
  | {kind: 'any'}
  | {kind: 'value'; value: number}
  | {kind: 'range'; from: number; to: number}
  | {kind: 'step'; from: number; to: number; step: number; whole: boolean}
  | {kind: 'last'; before: number}
  | {kind: 'lastDay'; day: number}
  | {kind: 'nth'; day: number; nth: number};

class NoWords extends Error {}

function numberOf(text: string, spec: FieldSpec): number {
  const named = spec.names?.findIndex((name) => name.slice(0, 3).toUpperCase() === text.toUpperCase()) ?? -1;
  const value = named >= 0 ? named + (spec === month ? 1 : 0) : /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(value >= spec.first && value <= spec.last)) throw new NoWords();
  return spec === dayOfWeek ? value % 7 : value;
}

function itemOf(text: string, spec: FieldSpec): Item {
  if (text === '*' || text === '?') return {kind: 'any'};
  let found = /^L(?:-(\d+))?$/i.exec(text);
  if (found && spec === dayOfMonth) return {kind: 'last', before: Number(found[1] ?? 0)};
  found = /^(?:([A-Za-z0-9]+?)L|L([0-7]))$/.exec(text);
  if (found && spec === dayOfWeek) return {kind: 'lastDay', day: numberOf(found[1] ?? found[2]!, spec)};
  found = /^(\w+)#([1-5])$/.exec(text);
  if (found && spec === dayOfWeek) return {kind: 'nth', day: numberOf(found[1]!, spec), nth: Number(found[2])};
  found = /^(?:(\*)|(\w+)(?:-(\w+))?)(?:\/(\d+))?$/.exec(text);
  if (!found) throw new NoWords();
  const [, star, from, to, step] = found;
  if (step !== undefined) {
    const whole = star !== undefined;
    const last = spec === dayOfWeek ? 6 : spec.last;
    if (Number(step) === 1 && whole) return {kind: 'any'};
    return {kind: 'step', from: whole ? spec.first : numberOf(from!, spec), to: to ? numberOf(to, spec) : last, step: Number(step), whole};
  }
  if (star !== undefined) return {kind: 'any'};
  return to === undefined ? {kind: 'value', value: numberOf(from!, spec)} : {kind: 'range', from: numberOf(from!, spec), to: numberOf(to, spec)};
}

function itemsOf(text: string, spec: FieldSpec): Item[] {
  const items = text.split(',').map((part) => itemOf(part, spec));
  return items.some((item) => item.kind === 'any') ? [{kind: 'any'}] : items;
}

function list(parts: string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}

function ordinal(value: number): string {
  const tens = value % 100;
  const ending = tens >= 11 && tens <= 13 ? 'th' : (['th', 'st', 'nd', 'rd'][value % 10] ?? 'th');
  return value + ending;
}

const two = (value: number) => String(value).padStart(2, '0');
const isAny = (items: Item[]) => items[0]!.kind === 'any';
const values = (items: Item[]) => (items.every((item) => item.kind === 'value') ? items.map((item) => (item as {value: number}).value) : null);

function stepWords({from, to, step, whole}: {from: number; to: number; step: number; whole: boolean}, spec: FieldSpec, show: (value: number) => string): string {
  const every = step === 1 ? `every ${spec.name}` : step === 2 && spec.name === 'day' ? 'every other day' : `every ${step} ${spec.name}s`;
  if (whole) return every;
  return to === (spec === dayOfWeek ? 6 : spec.last) ? `${every} from ${show(from)} on` : `${every} from ${show(from)} to ${show(to)}`;
}

/// "at 14:30", "every 15 minutes", "every minute from 09:00 to 09:59"
function timeWords(seconds: Item[], minutes: Item[], hours: Item[]): string {
  const s = values(seconds);
  const m = values(minutes);
  const h = values(hours);
  if (s && m && h && s.length * m.length * h.length <= 6) {
    const withSeconds = !(s.length === 1 && s[0] === 0);
    const times = h.flatMap((hh) => m.flatMap((mm) => s.map((ss) => `${two(hh)}:${two(mm)}${withSeconds ? ':' + two(ss) : ''}`)));
    return `at ${list(times.sort())}`;
  }
  const parts: string[] = [];
  if (!(s && s.length === 1 && s[0] === 0)) parts.push(unitWords(seconds, second));
  const minuteIsStart = m && m.length === 1 && m[0] === 0 && parts.length === 0;
  if (minuteIsStart) {
    if (isAny(hours)) return 'every hour, on the hour';
    const only = hours.length === 1 ? hours[0]! : null;
    if (only?.kind === 'step' && only.whole) return `${stepWords(only, hour, String)}, on the hour`;
  }
  if (!(parts.length > 0 && isAny(minutes))) parts.push(unitWords(minutes, minute));
  if (!isAny(hours)) parts.push(hourWords(hours));
  return list2(parts);
}

function list2(parts: string[]): string {
  return parts.join(', ');
}

function unitWords(items: Item[], spec: FieldSpec): string {
  if (isAny(items)) return `every ${spec.name}`;
  const plain = values(items);
  if (plain) return plain.length === 1 && plain[0] === 1 ? `at ${spec.name} 1` : `at ${spec.name}${plain.length > 1 ? 's' : ''} ${list(plain.map(String))}`;
  return list(items.map((item) => {
    if (item.kind === 'value') return `${spec.name} ${item.value}`;
    if (item.kind === 'range') return `every ${spec.name} from ${item.from} to ${item.to}`;
    if (item.kind === 'step') return stepWords(item, spec, String);
    throw new NoWords();
  }));
}

function hourWords(items: Item[]): string {
  return list(items.map((item) => {
    if (item.kind === 'value') return `in the hour of ${two(item.value)}:00`;
    if (item.kind === 'range') return `from ${two(item.from)}:00 to ${two(item.to)}:59`;
    if (item.kind === 'step') return `in ${stepWords(item, hour, (value) => `${two(value)}:00`).replace('every ', 'every ')}`;
    throw new NoWords();
  }));
}

function dayWords(items: Item[]): string {
  const plain = values(items);
  if (plain) return `on the ${list(plain.map(ordinal))}`;
  return list(items.map((item) => {
    if (item.kind === 'value') return `on the ${ordinal(item.value)}`;
    if (item.kind === 'range') return `from the ${ordinal(item.from)} to the ${ordinal(item.to)}`;
    if (item.kind === 'step') return stepWords(item, dayOfMonth, (value) => `the ${ordinal(value)}`);
    if (item.kind === 'last') return item.before === 0 ? 'on the last day' : `${item.before} ${item.before === 1 ? 'day' : 'days'} before the last`;
    throw new NoWords();
  }));
}

function weekdayWords(items: Item[]): string {
  const name = (value: number) => days[value]!;
  if (items.length === 1 && items[0]!.kind === 'range' && items[0]!.from === 1 && items[0]!.to === 5) return 'Monday to Friday';
  const plain = values(items);
  if (plain) return `on ${list(plain.map(name))}`;
  return list(items.map((item) => {
    if (item.kind === 'value') return `on ${name(item.value)}`;
    if (item.kind === 'range') return `${name(item.from)} to ${name(item.to)}`;
    if (item.kind === 'lastDay') return `on the last ${name(item.day)}`;
    if (item.kind === 'nth') return `on the ${ordinal(item.nth)} ${name(item.day)}`;
    if (item.kind === 'step') return stepWords(item, {...dayOfWeek, name: 'day'}, name) + ' of the week';
    throw new NoWords();
  }));
}

function monthWords(items: Item[]): string {
  const name = (value: number) => months[value - 1]!;
  const plain = values(items);
  if (plain) return `in ${list(plain.map(name))}`;
  return list(items.map((item) => {
    if (item.kind === 'value') return `in ${name(item.value)}`;
    if (item.kind === 'range') return `from ${name(item.from)} to ${name(item.to)}`;
    if (item.kind === 'step') return stepWords(item, month, name);
    throw new NoWords();
  }));
}

function dateWords(daysText: Item[], monthsText: Item[], weekdays: Item[]): string {
  const parts: string[] = [];
  const both = !isAny(daysText) && !isAny(weekdays);
  if (!isAny(daysText)) parts.push(dayWords(daysText) + (isAny(monthsText) ? ' of the month' : ''));
  if (!isAny(weekdays)) parts.push((both ? 'or ' : '') + weekdayWords(weekdays) + (/last|\dth|\dst|\dnd|\drd/.test(weekdayWords(weekdays)) && isAny(monthsText) ? ' of the month' : ''));
  if (!isAny(monthsText)) parts.push(monthWords(monthsText));
  return parts.join(both ? ' ' : ', ');
}

/// "At 02:30, Monday to Friday"; null for what is no expression or has no good words.
export function cronWords(expression: string): string | null {
  const text = words[expression.trim().toLowerCase()] ?? expression.trim();
  const fields = text.split(/\s+/);
  if (fields.length === 5) fields.unshift('0');
  if (fields.length !== 6) return null;
  try {
    const [s, m, h, dom, mon, dow] = fields as [string, string, string, string, string, string];
    const time = timeWords(itemsOf(s, second), itemsOf(m, minute), itemsOf(h, hour));
    const date = dateWords(itemsOf(dom, dayOfMonth), itemsOf(mon, month), itemsOf(dow, dayOfWeek));
    const daily = !date && time.startsWith('at ') && !/minute|second/.test(time) ? 'every day' : date;
    const sentence = daily ? `${time}, ${daily}` : time;
    return sentence[0]!.toUpperCase() + sentence.slice(1);
  } catch (error) {
    if (error instanceof NoWords) return null;
    throw error;
  }
}

/// "Every 5 min"
export function everyWords(ms: number): string {
  const units: [number, string][] = [[86_400_000, 'day'], [3_600_000, 'hour'], [60_000, 'minute'], [1000, 'second'], [1, 'millisecond']];
  const [size, name] = units.find(([each]) => ms % each === 0)!;
  const number = ms / size;
  return number === 1 ? `Every ${name}` : `Every ${number} ${name}s`;
}
