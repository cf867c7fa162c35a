// Who works, and which queues have nobody though they should.
import {api} from '../../api/api';
import {Empty} from '../../parts/empty';
import {Icon} from '../../parts/icons';
import {QueueLink} from '../../parts/job-link';
import {Problem} from '../../parts/problem';
import {brokerAddress} from '../../state/actions';
import {lacksWorkers, queues, waiting} from '../../state/broker';
import {usePoll} from '../../state/use-poll';
import {plural} from '../../text/format';
import {pawlOf} from '../../text/commands';
import {WorkerTable} from './worker-table';

export function Workers() {
  const workers = usePoll('workers', (signal) => api.workers(signal), 2000);
  const alone = (queues.value ?? []).filter(lacksWorkers);
  const busy = (workers.data ?? []).reduce((sum, {active}) => sum + active.length, 0);
  return (
    <>
      <h1 class="visually-hidden" tabIndex={-1}>Workers</h1>
      {workers.failure && <Problem failure={workers.failure} />}
      {alone.length > 0 && (
        <section class="panel attention" aria-label="Queues without workers">
          <ul>
            {alone.map((queue) => <li class="grave" key={queue.queue}><Icon name="alert" /><span><QueueLink queue={queue.queue} /> has no worker; {plural(waiting(queue), 'job')} {waiting(queue) === 1 ? 'waits' : 'wait'}.</span></li>)}
          </ul>
        </section>
      )}
      {workers.data?.length === 0 && (
        <Empty icon="workers" title="No workers" command={pawlOf(['work', alone[0]?.queue ?? queues.value?.[0]?.queue ?? 'hello', '--exec', 'cat', '--concurrency', '4'], brokerAddress())}>
          <p>A worker takes jobs and settles them. Any program can be one; this one runs a command for each job:</p>
        </Empty>
      )}
      {workers.data && workers.data.length > 0 && (
        <section class="panel" aria-label="Workers">
          <header><h2>Workers</h2><span class="muted num small-text">{plural(workers.data.length, 'worker')}, {plural(busy, 'job')} held</span></header>
          <WorkerTable workers={workers.data} />
        </section>
      )}
    </>
  );
}
