// What screens share of an operation that goes on in the broker.
import type {Operation} from '../api/types';
import {pauseOperation, resumeOperation, stopOperation} from '../state/actions';
import {count} from '../text/format';
import {ActionButton} from './action-button';

export function hasEnded({state}: Operation): boolean {
  return state !== 'running' && state !== 'paused';
}

export function OperationButtons({operation: {operationId, state}, then}: {operation: Operation; then: () => void}) {
  return (
    <>
      <ActionButton action={state === 'paused' ? resumeOperation(operationId) : pauseOperation(operationId)} then={then} />
      <ActionButton action={stopOperation(operationId)} then={then} />
    </>
  );
}

/// What became of jobs that were replayed with care.
export function Care({operation: {canary, stopOnFailureRate, ended, failed, state}}: {operation: Operation}) {
  if (canary === null && stopOnFailureRate === null) return null;
  return (
    <span class="num">
      {' '}· {canary !== null && `${count(canary)} first, `}{count(ended)} ended, <b class={failed > 0 ? 'bad' : ''}>{count(failed)} failed again</b>
      {state === 'stopped' && ', more than allowed'}
    </span>
  );
}
