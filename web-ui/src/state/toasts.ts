// Short notices: what was done, or what went wrong.
import {signal} from '@preact/signals';

import {Failure} from '../api/http';

export interface Toast {
  id: number;
  failure?: Failure;
  text?: string;
  link?: {href: string; text: string};
}

export const toasts = signal<Toast[]>([]);
let next = 1;

function show(toast: Omit<Toast, 'id'>, ms: number): void {
  const id = next++;
  toasts.value = [...toasts.value.slice(-3), {id, ...toast}];
  if (ms > 0) setTimeout(() => dismiss(id), ms);
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

export function say(text: string, link?: Toast['link']): void {
  show({text, link}, 6000);
}

/// A failure stays until it is dismissed.
export function complain(error: unknown): void {
  if (!(error instanceof Failure)) throw error;
  show({failure: error}, 0);
}

export async function copy(text: string, what: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    copyByHand(text);
  }
  say(`Copied: ${what}`);
}

/// Where there is no clipboard: plain http on another host than localhost.
function copyByHand(text: string): void {
  const area = document.createElement('textarea');
  area.value = text;
  const host = document.querySelector('dialog[open]') ?? document.body;
  host.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}
