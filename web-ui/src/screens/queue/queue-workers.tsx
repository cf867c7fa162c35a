import {api} from '../../api/api';
import type {Queue} from '../../api/types';
import {Code} from '../../parts/empty';
import {brokerAddress} from '../../state/actions';
import {usePoll} from '../../state/use-poll';
import {pawlOf} from '../../text/commands';
import {WorkerTable} from '../workers/worker-table';

export function QueueWorkers({queue}: {queue: Queue}) {
  const workers = usePoll(queue.queue, (signal) => api.workers(signal), 2000);
  const mine = (workers.data ?? []).filter(({queues}) => queues.includes(queue.queue));
  return (
    <section class="panel" aria-label="Workers of this queue">
      <header><h2>Workers</h2></header>
      {mine.length > 0 && <WorkerTable workers={mine} />}
      {workers.data && mine.length === 0 && (
        <div class="pad">
          <p class="muted">No worker asks for its jobs. One that runs a command for each of them:</p>
          <Code text={pawlOf(['work', queue.queue, '--exec', './do-it.sh', '--concurrency', '4'], brokerAddress())} what="the command that starts a worker" />
        </div>
      )}
    </section>
  );
}
