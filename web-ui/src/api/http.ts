// One request to the broker: where it lives, the token, problems as exceptions, and when we last heard from it.
import {signal} from '@preact/signals';

import type {Problem} from './types';

/// …/ui/, wherever a proxy puts it: this script lies in …/ui/assets/.
export const uiRoot = new URL('../', import.meta.url);
export const apiRoot = new URL('../', uiRoot);

const tokenKey = 'pawl.token';
export const token = signal(sessionStorage.getItem(tokenKey) ?? '');
/// The broker asks for a token, and ours is not the one.
export const locked = signal(false);
/// performance.now() of the last answer, and whether the latest request got none.
export const contact = signal({heardAt: 0, failing: false});

export function unlock(text: string): void {
  sessionStorage.setItem(tokenKey, text);
  token.value = text;
  locked.value = false;
}

/// What went wrong, as the broker says it or in the same form.
export class Failure extends Error {
  constructor(readonly problem: Problem, readonly request: string) {
    super(problem.detail ?? problem.title);
  }
}

export type Query = Record<string, string | number | boolean | null | undefined>;

export function queryText(query: Query): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') params.set(key, String(value));
  }
  const text = params.toString();
  return text ? '?' + text : '';
}

export interface Ask {
  query?: Query;
  /// JSON text, sent as it is.
  body?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface Answer {
  status: number;
  text: string;
}

function problemOf(status: number, text: string, requestId: string | null): Problem {
  try {
    const problem = JSON.parse(text) as Problem;
    if (typeof problem.title === 'string') return problem;
  } catch {
    // A proxy's page.
  }
  return {type: 'urn:pawl:error:internal', title: `The answer was HTTP ${status}`, status, requestId} as Problem;
}

const unreachable = {type: 'urn:pawl:error:unavailable', title: 'The broker cannot be reached', status: 503} as Problem;

async function fetchText(method: string, url: URL, ask: Ask): Promise<Answer & {requestId: string | null}> {
  const headers: Record<string, string> = {...ask.headers};
  if (ask.body !== undefined) headers['content-type'] = 'application/json';
  if (token.value) headers.authorization = `Bearer ${token.value}`;
  const response = await fetch(url, {method, headers, body: ask.body, signal: ask.signal, cache: 'no-store'});
  return {status: response.status, text: await response.text(), requestId: response.headers.get('x-request-id')};
}

/// Throws a Failure, or AbortError when `signal` says so.
export async function request(method: string, path: string, ask: Ask = {}): Promise<Answer> {
  const url = new URL(path.replace(/^\//, '') + queryText(ask.query ?? {}), apiRoot);
  const name = `${method} ${path}`;
  let answer;
  try {
    answer = await fetchText(method, url, ask);
  } catch (error) {
    if (ask.signal?.aborted) throw error;
    contact.value = {...contact.value, failing: true};
    throw new Failure({...unreachable, detail: 'It may be stopped, or the network between may be down. This page goes on trying.'}, name);
  }
  contact.value = {heardAt: performance.now(), failing: false};
  if (answer.status === 401) locked.value = true;
  if (answer.status >= 400) throw new Failure(problemOf(answer.status, answer.text, answer.requestId), name);
  return answer;
}

export async function json<T>(method: string, path: string, ask: Ask = {}): Promise<T> {
  const answer = await request(method, path, ask);
  return (answer.text ? JSON.parse(answer.text) : null) as T;
}
