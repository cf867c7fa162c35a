// One stream of events for all tabs. Each tab says what it looks at; the hub opens the narrowest stream that has all of
// it (of a job, of a queue, of everything), or none, and hands each tab its share ten times a second.
import type {JobEvent} from '../api/types';
import {readEvents, StreamRefused, type ServerEvent} from './sse';

/// What a tab looks at.
export interface Want {
  /// Everything about this job.
  job?: string;
  /// New jobs of this queue; '' for all queues.
  list?: string;
  /// Changes of these jobs.
  rows?: string[];
}

export type StreamState = 'off' | 'connecting' | 'open' | 'waiting';

export type HubMessage =
  | {kind: 'state'; state: StreamState}
  /// What is shown may have been missed: read it anew.
  | {kind: 'gap'}
  /// `fresh`: jobs that are new, at most freshMax of them; `more`: how many further ones.
  | {kind: 'events'; events: JobEvent[]; fresh: JobEvent[]; more: number};

export type TabMessage = {kind: 'want'; want: Want | null; token: string; root: string} | {kind: 'bye'};

interface Tab {
  want: Want | null;
  tell: (message: HubMessage) => void;
}

const batchMs = 100;
const freshMax = 100;

function isNew(event: JobEvent): boolean {
  return event.kind === 'status' && event.attempt === 0 && ['pending', 'delayed', 'blocked'].includes(event.status);
}

export class Hub {
  private tabs = new Map<unknown, Tab>();
  private batch: JobEvent[] = [];
  private batchTimer: ReturnType<typeof setTimeout> | null = null;
  private openPath: string | null = null;
  private abort: AbortController | null = null;
  private state: StreamState = 'off';
  private token = '';
  private root = '';

  /// key: whatever stands for the tab.
  set(key: unknown, want: Want | null, tell: Tab['tell'], token: string, root: string): void {
    const isNewTab = !this.tabs.has(key);
    this.tabs.set(key, {want, tell});
    const tokenChanged = token !== this.token;
    this.token = token;
    this.root = root;
    if (isNewTab) tell({kind: 'state', state: this.state});
    this.adjust(tokenChanged);
  }

  drop(key: unknown): void {
    this.tabs.delete(key);
    this.adjust(false);
  }

  /// The path that covers what all tabs want; null for none.
  private path(): string | null {
    const wants = [...this.tabs.values()].flatMap(({want}) => (want ? [want] : []));
    const jobs = new Set(wants.flatMap(({job}) => (job ? [job] : [])));
    const lists = new Set(wants.flatMap(({list}) => (list === undefined ? [] : [list])));
    if (jobs.size === 0 && lists.size === 0) return null;
    if (jobs.size === 1 && lists.size === 0) return `jobs/${[...jobs][0]}/events`;
    const only = [...lists][0];
    if (jobs.size === 0 && lists.size === 1 && only) return `events?queue=${encodeURIComponent(only)}`;
    return 'events';
  }

  private adjust(force: boolean): void {
    const path = this.path();
    if (path === this.openPath && !force) return;
    this.openPath = path;
    this.abort?.abort();
    this.abort = null;
    if (path === null) return this.setState('off');
    void this.keepOpen(path);
  }

  private setState(state: StreamState): void {
    if (state === this.state) return;
    this.state = state;
    this.tellAll({kind: 'state', state});
  }

  private tellAll(message: HubMessage): void {
    for (const tab of this.tabs.values()) tab.tell(message);
  }

  /// Opens it again after each end, where it ended, until another path is wanted.
  private async keepOpen(path: string): Promise<void> {
    const abort = (this.abort = new AbortController());
    let lastId = '';
    // What happened between the tab's own reading and the opening of the stream is in neither.
    let missed = true;
    while (!abort.signal.aborted) {
      this.setState('connecting');
      const url = new URL(path, this.root);
      if (lastId) url.searchParams.set('lastEventId', lastId);
      try {
        const opened = () => {
          this.setState('open');
          if (missed) this.tellAll({kind: 'gap'});
          missed = lastId === '';
        };
        await readEvents(url, this.token, abort.signal, opened, (event) => {
          lastId = event.id || lastId;
          this.take(event);
        });
      } catch (error) {
        if (abort.signal.aborted) return;
        // Without the token, or for a job that is gone, another try would end alike.
        if (error instanceof StreamRefused && (error.status === 401 || error.status === 404)) return this.setState('waiting');
      }
      if (abort.signal.aborted) return;
      this.setState('waiting');
      missed = missed || lastId === '';
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }

  private take({event, data}: ServerEvent): void {
    if (event === 'gap') return this.tellAll({kind: 'gap'});
    if (event !== 'status' && event !== 'progress' && event !== 'log') return;
    this.batch.push({kind: event, ...(JSON.parse(data) as Omit<JobEvent, 'kind'>)});
    this.batchTimer ??= setTimeout(() => this.flush(), batchMs);
  }

  private flush(): void {
    this.batchTimer = null;
    const batch = this.batch;
    this.batch = [];
    for (const {want, tell} of this.tabs.values()) {
      const message = want && share(batch, want);
      if (message) tell(message);
    }
  }
}

/// A tab's share of a batch; null when there is none.
export function share(batch: JobEvent[], want: Want): HubMessage | null {
  const rows = new Set(want.rows);
  const events = batch.filter((event) => event.jobId === want.job || rows.has(event.jobId));
  const all = want.list === undefined ? [] : batch.filter((event) => isNew(event) && (!want.list || event.queue === want.list) && !rows.has(event.jobId));
  if (events.length === 0 && all.length === 0) return null;
  return {kind: 'events', events, fresh: all.slice(0, freshMax), more: Math.max(0, all.length - freshMax)};
}
