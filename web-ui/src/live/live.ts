// A screen's side of the event stream: useLive says what it looks at and gets what happens there.
import {signal} from '@preact/signals';
import {useEffect, useRef} from 'preact/hooks';

import {apiRoot, token} from '../api/http';
import {Hub, type HubMessage, type StreamState, type TabMessage, type Want} from './hub';

declare const STREAM_WORKER: string;

export const streamState = signal<StreamState>('off');

let want: Want | null = null;
let listener: ((message: HubMessage) => void) | null = null;
let post: ((message: TabMessage) => void) | null = null;

function hear(message: HubMessage): void {
  if (message.kind === 'state') streamState.value = message.state;
  else listener?.(message);
}

function connect(): (message: TabMessage) => void {
  if ('SharedWorker' in globalThis) {
    const {port} = new SharedWorker(new URL(STREAM_WORKER, import.meta.url), {type: 'module', name: 'pawl-stream'});
    port.onmessage = ({data}: MessageEvent<HubMessage>) => hear(data);
    return (message) => port.postMessage(message);
  }
  // A browser without shared workers has a stream for each tab that is seen.
  const hub = new Hub();
  return (message) => (message.kind === 'bye' ? hub.drop(hub) : hub.set(hub, message.want, hear, message.token, message.root));
}

/// A hidden tab looks at nothing.
function say(): void {
  if (!post && !want) return;
  post ??= connect();
  post({kind: 'want', want: document.hidden ? null : want, token: token.value, root: apiRoot.href});
}

export function watchStream(): void {
  document.addEventListener('visibilitychange', say);
  addEventListener('pagehide', () => post?.({kind: 'bye'}));
  addEventListener('pageshow', (event) => event.persisted && say());
  token.subscribe(say);
}

/// `key` tells one want from another.
export function useLive(key: string, mine: Want | null, take: (message: HubMessage) => void): void {
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    want = mine;
    listener = mine ? (message) => latest.current(message) : null;
    say();
    return () => {
      want = null;
      listener = null;
      // The next screen's want comes in the same turn; only if there is none does the stream end.
      queueMicrotask(() => !want && say());
    };
  }, [key]);
}
