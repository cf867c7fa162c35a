// What every screen shows or needs: the queues, the health of the whole, and how old both are. Asked every two seconds
// while the page is seen.
import {computed, effect, signal} from '@preact/signals';

import {api} from '../api/api';
import {contact, Failure, locked, token} from '../api/http';
import type {Queue, Stats, Status} from '../api/types';
import {setClock, sinceStart} from './clock';

export const queues = signal<Queue[] | null>(null);
export const stats = signal<Stats | null>(null);
export const version = signal('');

const statsSeconds = 60;
const every = 2000;
const staleAfter = 6000;
let timer = 0;
let running: AbortController | null = null;

async function ask(signal: AbortSignal): Promise<void> {
  const asked = Date.now();
  const [newQueues, newStats] = await Promise.all([api.queues(signal), api.stats(statsSeconds, undefined, signal)]);
  setClock(newStats.at, asked, Date.now());
  queues.value = newQueues;
  stats.value = newStats;
  if (!version.value) version.value = (await api.version()).version;
}

/// Asks at once, and from then on again every two seconds.
export async function refreshBroker(): Promise<void> {
  clearTimeout(timer);
  running?.abort();
  const mine = (running = new AbortController());
  try {
    if (!document.hidden && !locked.value) await ask(mine.signal);
  } catch (error) {
    if (!(error instanceof Failure) && !mine.signal.aborted) throw error;
  } finally {
    if (running === mine) timer = setTimeout(refreshBroker, contact.value.failing ? 1000 : every) as unknown as number;
  }
}

export function watchBroker(): void {
  document.addEventListener('visibilitychange', () => !document.hidden && refreshBroker());
  effect(() => {
    token.value;
    void refreshBroker();
  });
}

export type Freshness = {kind: 'live' | 'stale' | 'reconnecting' | 'starting'; ageMs: number};

export const freshness = computed<Freshness>(() => {
  const {heardAt, failing} = contact.value;
  const ageMs = heardAt ? Math.max(0, sinceStart.value - heardAt) : 0;
  if (failing) return {kind: 'reconnecting', ageMs};
  if (!heardAt) return {kind: 'starting', ageMs};
  return {kind: ageMs > staleAfter ? 'stale' : 'live', ageMs};
});

/// Sums over all queues, or one.
export function countOf(status: Status, queue?: string): number | null {
  if (!queues.value) return null;
  return queues.value.filter((one) => !queue || one.queue === queue).reduce((sum, one) => sum + one.counts[status], 0);
}

/// Jobs that a worker could take now.
export function waiting(queue: Queue): number {
  return queue.counts.pending + queue.counts.stalled;
}

/// The badge that matters: jobs wait, nobody takes them, and nobody said so.
export function lacksWorkers(queue: Queue): boolean {
  return !queue.paused && queue.workers === 0 && queue.counts.active === 0 && waiting(queue) > 0;
}
