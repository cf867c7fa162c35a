// What the form holds at first: nothing, or a job that is to run again with changes.
import type {Job, Queue} from '../../api/types';
import {brokerDefaults} from '../../state/defaults';
import type {Draft} from '../../text/commands';
import {memberText, prettyOrAsIs} from '../../text/json-tree';

export const emptyDraft: Draft = {
  queue: '', name: '', payload: '', priority: '', delayMs: null, maxAttempts: '', group: '', tags: [], uniqueKey: '', idempotencyKey: '', others: [],
};

/// A copy bears it, so that both jobs lead to each other.
export const copyTag = 'copy-of:';
/// The broker's, on a dead letter that runs again in another queue.
export const movedTag = 'moved-from:';

export function copiedFrom(tags: string[]): string | null {
  return tags.find((tag) => tag.startsWith(copyTag))?.slice(copyTag.length) ?? null;
}

function isDefault(key: string, value: unknown, queue: Queue | null): boolean {
  const own = (queue?.settings.defaults as Record<string, unknown> | undefined)?.[key];
  const base = (brokerDefaults as Record<string, unknown>)[key];
  const expected = own && typeof own === 'object' ? {...(base as object), ...own} : (own ?? base);
  if (!value || typeof value !== 'object') return value === expected;
  return Object.entries(expected as object).every(([member, at]) => (value as Record<string, unknown>)[member] === at);
}

/// text: the record as the broker sent it, so that numbers keep their digits.
export function draftOf(job: Job, payload: string, text: string, queue: Queue | null): Draft {
  const others: [string, string][] = [];
  for (const key of ['maxStalls', 'leaseMs', 'timeoutMs', 'backoff', 'retention'] as const) {
    if (!isDefault(key, job[key], queue)) others.push([key, memberText(text, key) ?? 'null']);
  }
  if (job.limits.length > 0) others.push(['limits', JSON.stringify(job.limits)]);
  if (job.ordered) others.push(['ordered', 'true']);
  if (job.callback) others.push(['callback', memberText(text, 'callback') ?? 'null']);
  return {
    ...emptyDraft,
    queue: job.queue,
    name: job.name === job.queue ? '' : job.name,
    payload: prettyOrAsIs(payload),
    priority: job.priority !== (queue?.settings.defaults.priority ?? 0) ? String(job.priority) : '',
    maxAttempts: job.maxAttempts !== (queue?.settings.defaults.maxAttempts ?? 3) ? String(job.maxAttempts) : '',
    group: job.group ?? '',
    tags: [...job.tags.filter((tag) => ![copyTag, movedTag].some((each) => tag.startsWith(each))).slice(0, 15), copyTag + job.jobId],
    others,
  };
}
