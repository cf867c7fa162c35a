// Every call of the broker's API that the dashboard makes; screens make none themselves. Paths are relative to the
// broker's root. What changes something is an Action (state/actions.ts), so that it can also be copied as a command.
import {json, request, type Query} from './http';
import type {AuditEntry, FailureGroup, Group, Job, Limit, ListedJob, LogLine, Operation, Queue, Reason, Schedule, Stats, Status, Worker, Workflow, WorkflowHead} from './types';
import type {Document} from './openapi';
import {memberText} from '../text/json-tree';

export interface JobFilter {
  queue?: string;
  status?: Status[];
  name?: string;
  group?: string;
  tag?: string;
  errorType?: string;
  worker?: string;
  /// The beginning of an id.
  id?: string;
  createdAfter?: string;
  createdBefore?: string;
  attemptsMin?: number;
  attemptsMax?: number;
  /// Stands in the payload or in an error.
  q?: string;
  /// "payload.user.id" → "42"
  payload?: Record<string, string>;
  order?: Order;
}

/// Due: delayed jobs by when they are due. Longest: active ones by when they began.
export type Order = 'newest' | 'oldest' | 'due' | 'longest';

export interface AuditFilter {
  queue?: string;
  action?: string;
  actor?: string;
}

export interface DeadLetterFilter {
  name?: string;
  errorType?: string;
  /// Of a cause.
  fingerprint?: string;
}

export interface JobPage {
  jobs: ListedJob[];
  nextCursor: string | null;
  /// How many jobs were looked at, of how many.
  scanned: number;
  of: number;
}

export const pageSize = 50;
const longPage = 1000;

function filterQuery(filter: JobFilter): Query {
  const {status, payload, ...rest} = filter;
  return {...rest, ...payload, status: status?.join(',')};
}

/// Follows nextCursor to the end, or to `most` items.
async function all<Key extends string, Item>(path: string, key: Key, signal?: AbortSignal, most = 10_000, query: Query = {}): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | null = null;
  do {
    const page: Record<Key, Item[]> & {nextCursor: string | null} = await json('GET', path, {query: {...query, limit: longPage, cursor}, signal});
    items.push(...page[key]);
    cursor = page.nextCursor;
  } while (cursor && items.length < most);
  return items;
}

export const api = {
  queues: (signal?: AbortSignal) => all<'queues', Queue>('/queues', 'queues', signal),
  queue: (name: string, signal?: AbortSignal) => json<Queue>('GET', `/queues/${name}`, {signal}),
  groups: (queue: string, signal?: AbortSignal) => json<{groups: Group[]; total: number}>('GET', `/queues/${queue}/groups`, {query: {limit: 20}, signal}),
  workers: (signal?: AbortSignal) => all<'workers', Worker>('/workers', 'workers', signal),
  schedules: (signal?: AbortSignal) => all<'schedules', Schedule>('/schedules', 'schedules', signal),
  stats: (seconds: number, queue?: string, signal?: AbortSignal) => json<Stats>('GET', '/stats', {query: {seconds, queue}, signal}),
  openapi: (signal?: AbortSignal) => json<Document>('GET', '/openapi.json', {signal}),
  version: () => json<{version: string; startedAt: string | null}>('GET', '/version'),

  jobs: (filter: JobFilter, cursor?: string | null, signal?: AbortSignal) =>
    json<JobPage>('GET', '/jobs', {query: {...filterQuery(filter), limit: pageSize, cursor}, signal}),
  deadLetters: (queue: string, filter: DeadLetterFilter, cursor?: string | null, signal?: AbortSignal) =>
    json<JobPage>('GET', `/queues/${queue}/dlq`, {query: {...filter, limit: pageSize, cursor}, signal}),
  causes: async (queue: string, signal?: AbortSignal) => (await json<{groups: FailureGroup[]}>('GET', `/queues/${queue}/dlq/groups`, {signal})).groups,
  why: (id: string, signal?: AbortSignal) => json<Reason>('GET', `/jobs/${id}/why`, {signal}),
  operations: (signal?: AbortSignal) => all<'operations', Operation>('/bulk', 'operations', signal),
  workflows: (cursor?: string | null, signal?: AbortSignal) => json<{workflows: WorkflowHead[]; nextCursor: string | null}>('GET', '/workflows', {query: {limit: pageSize, cursor}, signal}),
  workflow: (id: string, signal?: AbortSignal) => json<Workflow>('GET', `/workflows/${id}`, {signal}),
  limits: (signal?: AbortSignal) => all<'limits', Limit>('/limits', 'limits', signal),
  audit: (filter: AuditFilter, cursor?: string | null, signal?: AbortSignal) => json<{entries: AuditEntry[]; nextCursor: string | null}>('GET', '/audit', {query: {...filter, limit: pageSize, cursor}, signal}),
  wholeAudit: (filter: AuditFilter) => all<'entries', AuditEntry>('/audit', 'entries', undefined, 100_000, {...filter}),
  suggest: (field: string, prefix: string, signal?: AbortSignal) => json<{values: string[]}>('GET', '/search/suggest', {query: {field, prefix, limit: 8}, signal}),
  operation: (id: string, signal?: AbortSignal) => json<Operation>('GET', `/bulk/${id}`, {signal}),

  /// The record, and its payload and result as the broker keeps them, byte for byte.
  async job(id: string, signal?: AbortSignal): Promise<{job: Job; payload: string; result: string; text: string}> {
    const {text} = await request('GET', `/jobs/${id}`, {signal});
    return {job: JSON.parse(text) as Job, payload: memberText(text, 'payload') ?? 'null', result: memberText(text, 'result') ?? 'null', text};
  },
  async schedule(id: string, signal?: AbortSignal): Promise<{schedule: Schedule; payload: string; text: string}> {
    const {text} = await request('GET', `/schedules/${id}`, {signal});
    return {schedule: JSON.parse(text) as Schedule, payload: memberText(text, 'payload') ?? 'null', text};
  },
  /// Log lines after `cursor`; the cursor of what comes next, or null at the end.
  logs: (id: string, cursor?: string | null, signal?: AbortSignal) =>
    json<{lines: LogLine[]; nextCursor: string | null}>('GET', `/jobs/${id}/logs`, {query: {limit: longPage, cursor}, signal}),

  /// How many dead letters the filter matches; counting stops at `most` (the answer is then exact: false).
  countDeadLetters: (queue: string, filter: DeadLetterFilter, most?: number) => countAll(`/queues/${queue}/dlq`, {...filter}, most),
  countJobs: (filter: JobFilter, most?: number) => countAll('/jobs', filterQuery(filter), most),
};

async function countAll(path: string, query: Query, most = 20_000): Promise<{count: number; exact: boolean}> {
  let count = 0;
  let cursor: string | null = null;
  do {
    const page: JobPage = await json('GET', path, {query: {...query, limit: longPage, cursor}});
    count += page.jobs.length;
    cursor = page.nextCursor;
  } while (cursor && count < most);
  return {count, exact: cursor === null};
}
