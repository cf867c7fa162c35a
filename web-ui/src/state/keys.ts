// The keyboard. Single keys work only outside of fields, and can be turned off; Ctrl-K and Escape always work.
import {signal} from '@preact/signals';
import {useLayoutEffect} from 'preact/hooks';

import {shortcuts} from './preferences';

export interface KeyBinding {
  /// "j", "/", "g q"
  keys: string;
  does: string;
  run: () => void;
}

/// What works on this screen, for the help.
export const bindings = signal<KeyBinding[]>([]);
export const openDialog = signal<'palette' | 'help' | null>(null);

export function useKeys(mine: KeyBinding[]): void {
  // At once, so that the next key finds what this one has changed.
  useLayoutEffect(() => {
    bindings.value = [...bindings.value, ...mine];
    return () => {
      bindings.value = bindings.value.filter((binding) => !mine.includes(binding));
    };
  });
}

let first = '';
let firstAt = 0;

function inField(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return !!element?.closest?.('input:not([type=checkbox]), textarea, select, [contenteditable]');
}

export function listenToKeys(): void {
  document.addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      openDialog.value = openDialog.value === 'palette' ? null : 'palette';
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || shortcuts.value === 'off') return;
    if (inField(event.target) || document.querySelector('dialog[open]')) return;
    const keys = first && event.timeStamp - firstAt < 1500 ? `${first} ${event.key}` : event.key;
    first = '';
    const found = bindings.value.findLast((binding) => binding.keys === keys);
    if (found) {
      event.preventDefault();
      found.run();
    } else if (bindings.value.some((binding) => binding.keys.startsWith(event.key + ' '))) {
      first = event.key;
      firstAt = event.timeStamp;
    }
  });
}

export function toggleShortcuts(): void {
  shortcuts.value = shortcuts.value === 'on' ? 'off' : 'on';
}
