import {href} from '../state/place';
import {shortId} from '../text/format';

/// A job's id, cut where ids are alike; the title has all of it.
export function JobLink({id}: {id: string}) {
  return <a class="mono" href={href('jobs', id)} title={id}>{shortId(id)}</a>;
}

export function QueueLink({queue}: {queue: string}) {
  return <a href={href('queues', queue)}>{queue}</a>;
}
