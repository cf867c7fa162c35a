// Name, screens, and on the right how fresh the picture is, the broker's clock, and the page's own settings.
import {useEffect, useRef} from 'preact/hooks';

import {countOf, freshness} from '../state/broker';
import {now} from '../state/clock';
import {openDialog} from '../state/keys';
import {href, place} from '../state/place';
import {theme, themes, zone} from '../state/preferences';
import {clockTime, count, moment, shortDuration} from '../text/format';
import {Icon, type IconName} from './icons';

export const screens: {path: string; name: string; icon: IconName; key?: string}[] = [
  {path: '', name: 'Overview', icon: 'overview', key: 'q'},
  {path: 'jobs', name: 'Jobs', icon: 'jobs', key: 'j'},
  {path: 'dlq', name: 'Dead letters', icon: 'dlq', key: 'd'},
  {path: 'workers', name: 'Workers', icon: 'workers', key: 'w'},
  {path: 'schedules', name: 'Schedules', icon: 'schedules', key: 's'},
  {path: 'workflows', name: 'Workflows', icon: 'workflows', key: 'f'},
  {path: 'operations', name: 'Bulk operations', icon: 'operations', key: 'b'},
  {path: 'limits', name: 'Limits', icon: 'limits', key: 'l'},
  {path: 'audit', name: 'Audit', icon: 'audit', key: 'a'},
  {path: 'enqueue', name: 'Enqueue', icon: 'enqueue', key: 'e'},
];

function FreshnessChip() {
  const {kind, ageMs} = freshness.value;
  const old = `data ${shortDuration(ageMs)} old`;
  const text = {live: 'live', starting: 'connecting', stale: old, reconnecting: ageMs ? `reconnecting · ${old}` : 'reconnecting'}[kind];
  return (
    <span class={`chip ${kind}`} data-freshness={kind}>
      <i aria-hidden="true" />
      <span>{text}</span>
      <span class="visually-hidden" role="status">{kind === 'reconnecting' ? 'The broker cannot be reached; the data is old.' : ''}</span>
    </span>
  );
}

function Clock() {
  const utc = zone.value === 'utc';
  return (
    <button type="button" class="clock num" title={`The broker's clock: ${moment(now.value, utc)}. Click for ${utc ? 'local time' : 'UTC'}`} onClick={() => (zone.value = utc ? 'local' : 'utc')}>
      {clockTime(now.value, utc)} <span class="muted">{utc ? 'UTC' : 'local'}</span>
    </button>
  );
}

function ThemeButton() {
  const icon = ({system: 'system', light: 'sun', dark: 'moon'} as const)[theme.value];
  const next = themes[(themes.indexOf(theme.value) + 1) % themes.length]!;
  return (
    <button type="button" class="icon-button" title={`Theme: ${theme.value}. Click for ${next}`} aria-label={`Theme: ${theme.value}. Change to ${next}`} onClick={() => (theme.value = next)}>
      <Icon name={icon} />
    </button>
  );
}

export function TopBar() {
  return (
    <header class="top">
      <a class="brand" href={href()}>
        <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true"><rect width="32" height="32" rx="7" /><path d="M7 23l5-9 1.5 5 5-9 1.5 5 5-9v17z" /></svg>
        <span>Pawl</span>
      </a>
      <div class="top-right">
        <FreshnessChip />
        <Clock />
        <button type="button" class="icon-button" title="Find or do something (Ctrl-K)" aria-label="Find or do something" onClick={() => (openDialog.value = 'palette')}><Icon name="search" /></button>
        <ThemeButton />
        <button type="button" class="icon-button" title="Keyboard and help (?)" aria-label="Keyboard and help" onClick={() => (openDialog.value = 'help')}><Icon name="help" /></button>
      </div>
    </header>
  );
}

export function ScreenList() {
  const current = place.value.path[0] ?? '';
  const dead = countOf('failed') ?? 0;
  const list = useRef<HTMLElement>(null);
  // On a phone the list is a row that scrolls.
  useEffect(() => {
    const here = list.current?.querySelector<HTMLElement>('[aria-current]');
    if (here) list.current!.scrollLeft = here.offsetLeft - 60;
  }, [current]);
  return (
    <nav class="screens" aria-label="Screens" ref={list}>
      {screens.map(({path, name, icon}) => {
        const here = current === path || (path === '' && current === 'queues');
        return (
          <a key={path} href={href(...(path ? [path] : []))} aria-current={here ? 'page' : undefined}>
            <Icon name={icon} />
            <span>{name}</span>
            {path === 'dlq' && dead > 0 && <b class="num">{count(dead)}</b>}
          </a>
        );
      })}
    </nav>
  );
}
