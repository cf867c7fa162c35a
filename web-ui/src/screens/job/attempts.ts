// A job's attempts, read from its history and its errors.
import type {AttemptError, Job, Status} from '../../api/types';

export interface Attempt {
  number: number;
  start: string;
  /// Null while it runs.
  end: string | null;
  /// What the job became by it; null while it runs.
  outcome: Status | null;
  error: AttemptError | null;
  workerId: string | null;
}

/// The error that an attempt ended with is written in the same turn.
const sameMomentMs = 50;

export function errorAt(errors: AttemptError[], at: string): AttemptError | null {
  const away = (error: AttemptError) => Math.abs(Date.parse(error.at) - Date.parse(at));
  const nearest = errors.reduce<AttemptError | null>((best, error) => (best && away(best) <= away(error) ? best : error), null);
  return nearest && away(nearest) <= sameMomentMs ? nearest : null;
}

/// Which of them something at that moment belongs to; 0: none.
export function attemptAt(attempts: Attempt[], at: string): number {
  return attempts.findLast(({start}) => start <= at)?.number ?? 0;
}

/// Oldest first.
export function attemptsOf({history, errors, workerId}: Pick<Job, 'history' | 'errors' | 'workerId'>): Attempt[] {
  const attempts: Attempt[] = [];
  history.forEach((step, index) => {
    if (step.status !== 'active') return;
    const next = history[index + 1];
    const error = next && next.status !== 'completed' ? errorAt(errors, next.at) : null;
    const isLast = !history.slice(index + 1).some(({status}) => status === 'active');
    attempts.push({
      number: attempts.length + 1,
      start: step.at,
      end: next?.at ?? null,
      outcome: next?.status ?? null,
      error,
      workerId: error?.workerId ?? (isLast ? workerId : null),
    });
  });
  return attempts;
}
