// Asks again and again while the page is seen. Old data stays while a newer answer is awaited or failing.
import {useCallback, useEffect, useRef, useState} from 'preact/hooks';

import {Failure} from '../api/http';

export interface Polled<T> {
  data: T | null;
  failure: Failure | null;
  refresh: () => void;
  /// Puts another value in place until the next answer.
  put: (change: (old: T) => T) => void;
}

/// `key` names what is asked for: another one starts anew, without the old data. every 0: once, and on refresh().
export function usePoll<T>(key: string, ask: (signal: AbortSignal) => Promise<T>, every: number): Polled<T> {
  const [state, setState] = useState<{key: string; data: T | null; failure: Failure | null}>({key, data: null, failure: null});
  const latest = useRef(ask);
  latest.current = ask;
  const kick = useRef<() => void>(() => {});

  useEffect(() => {
    let timer = 0;
    let running: AbortController | null = null;
    const next = (ms: number) => {
      clearTimeout(timer);
      if (ms > 0) timer = setTimeout(run, ms) as unknown as number;
    };
    const run = async () => {
      clearTimeout(timer);
      running?.abort();
      const mine = (running = new AbortController());
      try {
        const data = await latest.current(mine.signal);
        if (!mine.signal.aborted) setState({key, data, failure: null});
      } catch (error) {
        if (mine.signal.aborted) return;
        if (!(error instanceof Failure)) throw error;
        setState((old) => ({key, data: old.key === key ? old.data : null, failure: error}));
        return next(Math.max(every, 1500));
      }
      if (!document.hidden) next(every);
    };
    const seen = () => {
      if (!document.hidden) void run();
    };
    kick.current = () => void run();
    document.addEventListener('visibilitychange', seen);
    void run();
    return () => {
      clearTimeout(timer);
      running?.abort();
      document.removeEventListener('visibilitychange', seen);
    };
  }, [key, every]);

  const refresh = useCallback(() => kick.current(), []);
  const put = useCallback((change: (old: T) => T) => {
    setState((old) => (old.data === null ? old : {...old, data: change(old.data)}));
  }, []);
  const current = state.key === key ? state : {data: null, failure: null};
  return {data: current.data, failure: current.failure, refresh, put};
}
