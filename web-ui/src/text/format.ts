// Numbers, durations and times as people read them.

const grouped = new Intl.NumberFormat('en');

export function count(value: number): string {
  return grouped.format(value);
}

export function plural(value: number, one: string, many = one + 's'): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/// 1234.5 → 1,235; 0.123 → 0.12
export function rate(value: number): string {
  if (value >= 100) return count(Math.round(value));
  return String(Math.round(value * 100) / 100);
}

const units: [name: string, ms: number][] = [['d', 86_400_000], ['h', 3_600_000], ['min', 60_000], ['s', 1000]];

/// 850 ms · 12.3 s · 4 min 12 s · 3 h 5 min · 2 d 4 h
export function duration(ms: number): string {
  if (ms < 0) return '−' + duration(-ms);
  if (ms < 1) return ms === 0 ? '0 ms' : '< 1 ms';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${Math.round(ms / 100) / 10} s`;
  const first = units.findIndex(([, size]) => ms >= size);
  const [name, size] = units[first]!;
  const whole = Math.floor(ms / size);
  const next = units[first + 1];
  const rest = next ? Math.floor((ms % size) / next[1]) : 0;
  return rest > 0 ? `${whole} ${name} ${rest} ${next![0]}` : `${whole} ${name}`;
}

/// How long something is kept: "1 d", "for good".
export function keptFor(ms: number | null | undefined): string {
  return ms === null ? 'for good' : duration(ms ?? 0);
}

/// One unit: 12 s · 4 min · 3 h · 2 d
export function shortDuration(ms: number): string {
  if (ms < 1000) return ms < 100 && ms > 0 ? duration(ms) : `${Math.round(ms / 1000)} s`;
  const [name, size] = units.find(([, each]) => ms >= each)!;
  return `${Math.floor(ms / size)} ${name}`;
}

export function bytes(value: number): string {
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let size = value;
  let index = 0;
  while (size >= 1024 && index < names.length - 1) {
    size /= 1024;
    index++;
  }
  return `${index === 0 || size >= 100 ? Math.round(size) : Math.round(size * 10) / 10} ${names[index]}`;
}

/// ago(5000) → "5 s ago"; negative → "in 5 s"
export function ago(ms: number): string {
  if (Math.abs(ms) < 1000) return 'now';
  return ms > 0 ? `${shortDuration(ms)} ago` : `in ${shortDuration(-ms)}`;
}

const pad = (value: number) => String(value).padStart(2, '0');

/// 2026-11-26 10:33:11 with the zone
export function moment(ms: number, utc: boolean): string {
  const at = new Date(ms);
  const date = utc
    ? [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()]
    : [at.getFullYear(), at.getMonth(), at.getDate(), at.getHours(), at.getMinutes(), at.getSeconds()];
  const [year, month, day, hour, minute, second] = date as [number, number, number, number, number, number];
  return `${year}-${pad(month + 1)}-${pad(day)} ${pad(hour)}:${pad(minute)}:${pad(second)}${utc ? ' UTC' : zoneOffset(at)}`;
}

function zoneOffset(at: Date): string {
  const minutes = -at.getTimezoneOffset();
  const size = Math.abs(minutes);
  return ` ${minutes < 0 ? '−' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}

/// 10:33:11
export function clockTime(ms: number, utc: boolean): string {
  return moment(ms, utc).slice(11, 19);
}

/// The end of an id, where ids differ.
export function shortId(id: string): string {
  return id.slice(0, 8) + '…' + id.slice(-6);
}

/// "30s", "5 min", "1h30m", "2d", "250ms", a bare number in seconds → milliseconds; null when it is none.
export function parseDuration(text: string): number | null {
  const trimmed = text.trim();
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Math.round(Number(trimmed) * 1000);
  const sizes: Record<string, number> = {ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000};
  let total = 0;
  const rest = trimmed.replace(/(\d+(?:\.\d+)?)\s*(ms|min|s|m|h|d)\s*/g, (_, value: string, unit: string) => {
    total += Number(value) * sizes[unit]!;
    return '';
  });
  return rest === '' && trimmed !== '' ? Math.round(total) : null;
}

/// What an input of the type datetime-local holds.
export function localInput(ms: number, utc: boolean): string {
  return moment(ms, utc).slice(0, 19).replace(' ', 'T');
}

/// The other way round; null when it is no time, or not of the years 1970 to 9999.
export function readLocalInput(text: string, utc: boolean): number | null {
  const ms = Date.parse(text + (utc ? 'Z' : ''));
  return ms >= 0 && ms < 253_402_300_800_000 ? ms : null;
}
