import {href, withQuery} from '../../state/place';

/// The form, filled in from a job.
export function enqueueCopy(jobId: string): string {
  return withQuery(href('enqueue'), {from: jobId});
}
