// Reads a stream of Server-Sent Events with fetch, which unlike EventSource can send a token.

export interface ServerEvent {
  id: string;
  event: string;
  data: string;
}

export class StreamRefused extends Error {
  constructor(readonly status: number) {
    super(`HTTP ${status}`);
  }
}

/// Calls `take` for each event until the stream ends or `signal` aborts it.
export async function readEvents(url: URL, token: string, signal: AbortSignal, opened: () => void, take: (event: ServerEvent) => void): Promise<void> {
  const headers: Record<string, string> = {accept: 'text/event-stream'};
  if (token) headers.authorization = `Bearer ${token}`;
  const response = await fetch(url, {headers, signal, cache: 'no-store'});
  if (!response.ok || !response.body) throw new StreamRefused(response.status);
  opened();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let event: ServerEvent = {id: '', event: 'message', data: ''};
  for (;;) {
    const {done, value} = await reader.read();
    if (done) return;
    const lines = (rest + value).split('\n');
    rest = lines.pop()!;
    for (const line of lines) {
      if (line === '') {
        if (event.data || event.event !== 'message') take(event);
        event = {id: event.id, event: 'message', data: ''};
      } else if (!line.startsWith(':')) {
        const colon = line.indexOf(':');
        const name = colon < 0 ? line : line.slice(0, colon);
        const text = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
        if (name === 'id') event.id = text;
        else if (name === 'event') event.event = text;
        else if (name === 'data') event.data += (event.data ? '\n' : '') + text;
      }
    }
  }
}
