// Where the page is: a path of words below /ui/ and a query. Filters, tabs and cursors live in the query, so that a
// reload, a bookmark and the back button all mean the same screen.
import {computed, signal} from '@preact/signals';

import {uiRoot} from '../api/http';

export interface Place {
  path: string[];
  query: URLSearchParams;
}

function read(): Place {
  const below = location.pathname.startsWith(uiRoot.pathname) ? location.pathname.slice(uiRoot.pathname.length) : '';
  return {path: below.split('/').filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(location.search)};
}

export const place = signal<Place>(read());
export const query = computed(() => place.value.query);

addEventListener('popstate', () => (place.value = read()));

/// The address of a screen: href('jobs', id) → /ui/jobs/ID
export function href(...path: string[]): string {
  return uiRoot.pathname + path.map(encodeURIComponent).join('/').replaceAll('%3A', ':');
}

export function withQuery(address: string, values: Record<string, string | undefined>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) if (value) params.set(key, value);
  const text = params.toString();
  return text ? `${address}?${text}` : address;
}

export function go(address: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'replace') history.replaceState(null, '', address);
  else history.pushState(null, '', address);
  const before = place.value.path.join('/');
  place.value = read();
  if (before !== place.value.path.join('/')) {
    scrollTo(0, 0);
    // A screen reader goes on at the new screen's heading.
    requestAnimationFrame(() => document.querySelector<HTMLElement>('main h1')?.focus({preventScroll: true}));
  }
}

/// Changes some parameters of this screen; undefined or empty takes one away.
export function setQuery(values: Record<string, string | undefined>, how: 'push' | 'replace' = 'push'): void {
  const params = new URLSearchParams(place.value.query);
  for (const [key, value] of Object.entries(values)) {
    if (value) params.set(key, value);
    else params.delete(key);
  }
  const text = params.toString();
  go(location.pathname + (text ? '?' + text : ''), how);
}

/// Another list on this screen: from its start, with nothing chosen, unless the values say so.
export function relist(values: Record<string, string | undefined>): void {
  setQuery({cursor: undefined, chosen: undefined, ...values});
}

/// Chosen rows: they are in the address, too.
export function chosen(): [ReadonlySet<string>, (ids: ReadonlySet<string>) => void] {
  return [new Set(query.value.get('chosen')?.split(',')), (ids) => setQuery({chosen: [...ids].join()}, 'replace')];
}

/// Links within the dashboard change the screen without loading the page anew.
export function followLinks(): void {
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element).closest<HTMLAnchorElement>('a[href]');
    if (!link || link.target || link.hasAttribute('download')) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || !url.pathname.startsWith(uiRoot.pathname) || url.hash) return;
    event.preventDefault();
    go(url.pathname + url.search);
  });
}
