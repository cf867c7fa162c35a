// What this browser remembers: theme, time zone, whether single keys are shortcuts.
import {effect, signal, type Signal} from '@preact/signals';

function kept<T extends string>(key: string, first: T, allowed: readonly T[]): Signal<T> {
  const name = 'pawl.' + key;
  const saved = localStorage.getItem(name) as T | null;
  const value = signal<T>(saved && allowed.includes(saved) ? saved : first);
  effect(() => localStorage.setItem(name, value.value));
  addEventListener('storage', (event) => {
    if (event.key === name && allowed.includes(event.newValue as T)) value.value = event.newValue as T;
  });
  return value;
}

export const themes = ['system', 'light', 'dark'] as const;
export const theme = kept('theme', 'system', themes);
export const zone = kept('zone', 'local', ['local', 'utc'] as const);
export const shortcuts = kept('shortcuts', 'on', ['on', 'off'] as const);

/// Who the audit log says did it; empty: nobody said.
export const actor = signal(localStorage.getItem('pawl.actor') ?? '');
effect(() => localStorage.setItem('pawl.actor', actor.value));

effect(() => {
  if (theme.value === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme.value;
});
