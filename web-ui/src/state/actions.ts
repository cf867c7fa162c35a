// What changes something: one request, described so that it can be carried out, or copied as a command instead.
import {apiRoot, request, token} from '../api/http';
import type {JobFilter} from '../api/api';
import type {Answer} from '../api/http';
import type {QueueChange} from '../api/types';
import {curlOf, draftCall, draftPawl, pawlOf, type Broker, type Call, type Draft} from '../text/commands';
import {refreshBroker} from './broker';
import {actor} from './preferences';
import {complain, say} from './toasts';

export interface Action extends Call {
  /// "Retry"
  label: string;
  /// "The job runs again."
  done: string;
  /// Arguments of `pawl`; null where it has no such command.
  pawl: string[] | null;
}

/// The answer, or null when it failed and that was said.
export async function carryOut(action: Action): Promise<Answer | null> {
  try {
    const answer = await request(action.method, action.path, {body: action.body, headers: {...(actor.value ? {'x-pawl-actor': actor.value} : {}), ...action.headers}});
    if (action.done) say(action.done);
    void refreshBroker();
    return answer;
  } catch (error) {
    complain(error);
    return null;
  }
}

export function brokerAddress(): Broker {
  return {url: apiRoot.href.replace(/\/$/, ''), needsToken: token.value !== ''};
}

/// What can be copied instead: [name, text].
export function commandsOf(action: Action): [string, string][] {
  const commands: [string, string][] = [['curl', curlOf(action, brokerAddress())]];
  if (action.pawl) commands.push(['pawl', pawlOf(action.pawl, brokerAddress())]);
  return commands;
}

const body = (value: unknown) => JSON.stringify(value);

export const enqueue = (draft: Draft): Action =>
  ({label: 'Enqueue', done: '', ...draftCall(draft), pawl: draftPawl(draft)});
export const retry = (id: string): Action =>
  ({label: 'Retry', done: 'The job runs again.', method: 'POST', path: `/jobs/${id}/retry`, pawl: ['retry', id]});
export const promote = (id: string): Action =>
  ({label: 'Run now', done: 'The job waits no longer.', method: 'POST', path: `/jobs/${id}/promote`, pawl: ['promote', id]});
export const reschedule = (id: string, runAt: string): Action => ({
  label: 'Reschedule',
  done: 'The job has another time.',
  method: 'PATCH',
  path: `/jobs/${id}`,
  body: body({runAt}),
  pawl: ['change', id, '--run-at', runAt],
});
export const changePriority = (id: string, priority: number): Action => ({
  label: 'Change',
  done: `The job has priority ${priority}.`,
  method: 'PATCH',
  path: `/jobs/${id}`,
  body: body({priority}),
  pawl: ['change', id, '--priority', String(priority)],
});
export const cancel = (id: string, active: boolean): Action => ({
  label: active ? 'Ask to cancel' : 'Cancel',
  done: active ? 'Its worker is told at its next heartbeat.' : 'The job is cancelled.',
  method: 'POST',
  path: `/jobs/${id}/cancel`,
  pawl: ['cancel', id],
});
export const remove = (id: string): Action =>
  ({label: 'Delete', done: 'The job is gone.', method: 'DELETE', path: `/jobs/${id}`, pawl: ['delete', id]});

export const pause = (queue: string, reason: string): Action => ({
  label: 'Pause',
  done: `${queue} is paused.`,
  method: 'POST',
  path: `/queues/${queue}/pause`,
  body: reason ? body({reason}) : undefined,
  pawl: ['pause', queue, ...(reason ? ['--reason', reason] : [])],
});
export const resume = (queue: string): Action =>
  ({label: 'Resume', done: `${queue} goes on.`, method: 'POST', path: `/queues/${queue}/resume`, pawl: ['resume', queue]});
export const pauseGroup = (queue: string, group: string, reason: string): Action => ({
  label: 'Pause',
  done: `${group} is paused.`,
  method: 'POST',
  path: `/queues/${queue}/groups/pause`,
  body: body(reason ? {group, reason} : {group}),
  pawl: ['pause', queue, '--group', group, ...(reason ? ['--reason', reason] : [])],
});
export const resumeGroup = (queue: string, group: string): Action =>
  ({label: 'Resume', done: `${group} goes on.`, method: 'POST', path: `/queues/${queue}/groups/resume`, body: body({group}), pawl: ['resume', queue, '--group', group]});
export const drain = (queue: string): Action =>
  ({label: 'Cancel all that wait', done: `The waiting jobs of ${queue} are being cancelled.`, method: 'POST', path: `/queues/${queue}/drain`, pawl: ['drain', queue]});

export interface DeadLetterChoice {
  jobIds?: string[];
  name?: string;
  errorType?: string;
  fingerprint?: string;
  perSecond?: number;
  /// So many first; the others when these have ended well.
  canary?: number;
  /// 0 to 1
  stopOnFailureRate?: number;
  /// Another queue.
  into?: string;
}

function choiceBody({jobIds, into, ...filter}: DeadLetterChoice): string {
  return body(jobIds ? {jobIds, into} : {all: true, into, ...filter});
}

function choiceArguments({jobIds = [], name, errorType, fingerprint, perSecond, canary, stopOnFailureRate, into}: DeadLetterChoice): string[] {
  return [
    ...jobIds,
    ...(into ? ['--into', into] : []),
    ...(name ? ['--name', name] : []),
    ...(errorType ? ['--error-type', errorType] : []),
    ...(fingerprint ? ['--fingerprint', fingerprint] : []),
    ...(perSecond ? ['--per-second', String(perSecond)] : []),
    ...(canary ? ['--canary', String(canary)] : []),
    ...(stopOnFailureRate !== undefined ? ['--stop-on-failure-rate', String(stopOnFailureRate)] : []),
  ];
}

export const replay = (queue: string, choice: DeadLetterChoice): Action =>
  ({label: 'Replay', done: '', method: 'POST', path: `/queues/${queue}/dlq/replay`, body: choiceBody(choice), pawl: ['dlq', 'replay', queue, ...choiceArguments(choice)]});
export const purge = (queue: string, choice: DeadLetterChoice): Action => ({
  label: 'Purge',
  done: '',
  method: 'POST',
  path: `/queues/${queue}/dlq/purge`,
  body: choiceBody(choice),
  pawl: choice.perSecond ? null : ['dlq', 'purge', queue, ...choiceArguments(choice), '--yes'],
});
export const stopOperation = (id: string): Action =>
  ({label: 'Stop', done: 'Stopped; what was done stays done.', method: 'POST', path: `/bulk/${id}/cancel`, pawl: ['bulk', 'cancel', id]});
export const pauseOperation = (id: string): Action =>
  ({label: 'Pause', done: 'It waits until it is resumed.', method: 'POST', path: `/bulk/${id}/pause`, pawl: ['bulk', 'pause', id]});
export const resumeOperation = (id: string): Action =>
  ({label: 'Resume', done: 'It goes on.', method: 'POST', path: `/bulk/${id}/resume`, pawl: ['bulk', 'resume', id]});

export const runSchedule = (id: string): Action =>
  ({label: 'Run now', done: '', method: 'POST', path: `/schedules/${id}/run`, pawl: ['schedules', 'run', id]});
export const pauseSchedule = (id: string): Action =>
  ({label: 'Pause', done: `${id} is paused.`, method: 'POST', path: `/schedules/${id}/pause`, pawl: ['schedules', 'pause', id]});
export const resumeSchedule = (id: string): Action =>
  ({label: 'Resume', done: `${id} goes on from now.`, method: 'POST', path: `/schedules/${id}/resume`, pawl: ['schedules', 'resume', id]});
/// inUse: its last job has not ended.
export const deleteSchedule = (id: string, inUse: boolean): Action => ({
  label: 'Delete',
  done: `${id} is gone; its jobs stay.`,
  method: 'DELETE',
  path: `/schedules/${id}${inUse ? '?force=true' : ''}`,
  pawl: ['schedules', 'delete', id, ...(inUse ? ['--force'] : [])],
});
export const putSchedule = (id: string, spec: string): Action =>
  ({label: 'Save', done: `${id} is saved.`, method: 'PUT', path: `/schedules/${id}`, body: spec, pawl: null});

export const cancelWorkflow = (id: string): Action =>
  ({label: 'Cancel', done: 'What had not ended is cancelled.', method: 'POST', path: `/workflows/${id}/cancel`, pawl: ['workflows', 'cancel', id]});
export const retryWorkflow = (id: string): Action =>
  ({label: 'Retry what failed', done: 'It runs again; what was completed stays.', method: 'POST', path: `/workflows/${id}/retry`, pawl: ['workflows', 'retry', id]});

export const putLimit = (id: string, limit: string): Action =>
  ({label: 'Save', done: `${id} is saved.`, method: 'PUT', path: `/limits/${id}`, body: limit, pawl: null});
export const deleteLimit = (id: string): Action =>
  ({label: 'Delete', done: `${id} is gone.`, method: 'DELETE', path: `/limits/${id}`, pawl: ['limits', 'delete', id]});
export const resumeLimit = (id: string): Action =>
  ({label: 'Resume', done: `${id} is held back no longer.`, method: 'POST', path: `/limits/${id}/resume`, pawl: ['limits', 'resume', id]});

export type BulkAction = 'retry' | 'cancel' | 'promote' | 'delete';
/// "payload.user.id" → "user.id": the words of a query are the members of an object here.
function bulkFilter({payload, ...rest}: JobFilter) {
  if (!payload) return rest;
  return {...rest, payload: Object.fromEntries(Object.entries(payload).map(([key, value]) => [key.replace(/^payload\./, ''), value]))};
}
const bulkOptions = (filter: JobFilter): Record<string, string | number | undefined> => ({
  queue: filter.queue, status: filter.status?.join(','), group: filter.group, tag: filter.tag, name: filter.name, 'error-type': filter.errorType,
  worker: filter.worker, 'created-after': filter.createdAfter, 'created-before': filter.createdBefore, 'attempts-min': filter.attemptsMin, 'attempts-max': filter.attemptsMax, text: filter.q,
});
export const bulk = (action: BulkAction, filter: JobFilter, perSecond?: number): Action => ({
  label: action[0]!.toUpperCase() + action.slice(1),
  done: 'It goes on in the broker.',
  method: 'POST',
  path: '/bulk',
  body: body({filter: bulkFilter(filter), action, perSecond}),
  pawl: [
    'bulk', 'start', action,
    ...Object.entries(bulkOptions(filter)).flatMap(([key, value]) => (value === undefined ? [] : [`--${key}`, String(value)])),
    ...Object.entries(filter.payload ?? {}).flatMap(([key, value]) => ['--payload', `${key.replace(/^payload\./, '')}=${value}`]),
    ...(perSecond ? ['--per-second', String(perSecond)] : []),
  ],
});

export const putQueue = (queue: string, change: QueueChange): Action =>
  ({label: 'Save', done: `${queue} is changed.`, method: 'PUT', path: `/queues/${queue}`, body: body(change), pawl: null});
