import type {Worker} from '../../api/types';
import {Icon} from '../../parts/icons';
import {JobLink, QueueLink} from '../../parts/job-link';
import {Time} from '../../parts/time';
import {count} from '../../text/format';

const jobsShown = 3;
const none = <span class="muted">–</span>;

export function WorkerTable({workers}: {workers: Worker[]}) {
  return (
    <div class="table-scroll">
      <table class="list">
        <thead>
          <tr>
            <th scope="col">Worker</th>
            <th scope="col" class="wide">Host</th>
            <th scope="col" class="wide">Version</th>
            <th scope="col">Connection</th>
            <th scope="col" class="wide">Queues</th>
            <th scope="col" class="num" title="Jobs that it holds">Busy</th>
            <th scope="col" class="num wide" title="Most jobs that it takes at once">Slots</th>
            <th scope="col" class="stretch wide">Jobs</th>
            <th scope="col" class="num wide" title="How long its connection took to answer the latest ping">Away</th>
            <th scope="col" class="num">Heard from</th>
          </tr>
        </thead>
        <tbody>
          {workers.map((worker) => (
            <tr key={worker.workerId}>
              <th scope="row" class="mono clip-cell">{worker.workerId}</th>
              <td class="wide clip-cell" title={worker.address ?? undefined}>{worker.host ?? worker.address ?? none}</td>
              <td class="wide clip-cell">{worker.version ?? none}</td>
              <td>{worker.connected ? <span class="badge state-completed"><Icon name="completed" />connected</span> : <span class="badge state-pending"><Icon name="pending" />by request</span>}</td>
              <td class="wide">{worker.queues.map((queue, index) => <>{index > 0 && ', '}<QueueLink queue={queue} /></>)}</td>
              <td class="num">{count(worker.active.length)}</td>
              <td class="num wide">{count(worker.credit)}</td>
              <td class="stretch wide">
                <span class="spaced">
                  {worker.active.slice(0, jobsShown).map((id) => <JobLink key={id} id={id} />)}
                  {worker.active.length > jobsShown && <span class="muted">and {count(worker.active.length - jobsShown)} more</span>}
                </span>
              </td>
              <td class="num wide">{worker.roundTripMs === null ? none : `${worker.roundTripMs.toFixed(worker.roundTripMs < 10 ? 2 : 0)} ms`}</td>
              <td class="num"><Time at={worker.lastSeenAt} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
