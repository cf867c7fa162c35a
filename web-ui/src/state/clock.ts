// The broker's clock. Ages and waits are counted by it, so a browser whose clock is wrong shows the same numbers.
import {computed, signal} from '@preact/signals';

let ahead = 0;  // of this browser's clock, in milliseconds
export const clockKnown = signal(false);
/// The broker's time, once a second.
export const now = signal(Date.now());

/// `at`: what the broker's clock showed between the two moments of Date.now().
export function setClock(at: string, asked: number, answered: number): void {
  const offset = Date.parse(at) - (asked + answered) / 2;
  // Within the trip's own uncertainty the old offset stays, so that seconds do not jitter.
  if (!clockKnown.value || Math.abs(offset - ahead) > 50 + (answered - asked)) ahead = offset;
  clockKnown.value = true;
  now.value = brokerNow();
}

export function brokerNow(): number {
  return Date.now() + ahead;
}

setInterval(() => {
  if (!document.hidden) now.value = brokerNow();
}, 1000);

/// performance.now(), at the pace of `now`.
export const sinceStart = computed(() => {
  now.value;
  return performance.now();
});
