// One workflow: its graph as it stands, the same as a table, and what can be done to the whole.
import {api} from '../../api/api';
import {hasEnded, type Workflow} from '../../api/types';
import {ActionButton} from '../../parts/action-button';
import {CopyButton} from '../../parts/copy-button';
import {Empty} from '../../parts/empty';
import {JobLink, QueueLink} from '../../parts/job-link';
import {Problem} from '../../parts/problem';
import {StateBadge} from '../../parts/state-badge';
import {Span, Time} from '../../parts/time';
import {cancelWorkflow, retryWorkflow} from '../../state/actions';
import {href} from '../../state/place';
import {usePoll} from '../../state/use-poll';
import {count, plural} from '../../text/format';
import {Graph} from './graph';
import {openChain} from './layout';
import {WorkflowState} from './workflows';


const waits = (job: Workflow['jobs'][number]) => job.waitsForEvent ? `event ${job.waitsForEvent}` : job.waitsForJob ? `job ${job.waitsForJob}` : job.waitsFor.join(', ');

export function WorkflowPage({id}: {id: string}) {
  const {data, failure, refresh} = usePoll(id, (signal) => api.workflow(id, signal), 1500);
  if (!data) {
    const gone = failure?.problem.status === 404;
    return (
      <>
        <h1 class="visually-hidden" tabIndex={-1}>Workflow</h1>
        {gone && <Empty icon="search" title="There is no such workflow"><p><a href={href('workflows')}>All workflows</a></p></Empty>}
        {failure && !gone && <Problem failure={failure} />}
      </>
    );
  }
  const chain = openChain(data.jobs.map(({ref, dependsOn, status}) => ({ref, dependsOn, ended: status === null || hasEnded(status)})));
  const again = data.failed + data.cancelled;
  return (
    <>
      <div class="page-head">
        <div>
          <h1 tabIndex={-1}>{data.name}</h1>
          <WorkflowState status={data.status} />
          <span class="muted num">{count(data.total - data.left)} of {plural(data.total, 'job')} ended{data.failed > 0 && <>, <b class="bad">{count(data.failed)} failed</b></>}</span>
          <span class="muted">took <Span from={data.createdAt} to={data.finishedAt} /></span>
          <span class="muted">submitted <Time at={data.createdAt} /></span>
          <span class="id-line"><code class="mono">{id}</code><CopyButton text={id} what="the id" /></span>
        </div>
        <div class="actions">
          <ActionButton action={retryWorkflow(id)} icon="retry" disabled={again === 0} then={refresh} />
          <ActionButton
            action={cancelWorkflow(id)} icon="cancelled" kind="danger" disabled={data.left === 0} then={refresh}
            ask={{title: `Cancel ${data.name}?`, text: <p>{plural(data.left, 'job')} that {data.left === 1 ? 'has' : 'have'} not ended will be cancelled; the workers of those that run are told.</p>}} />
        </div>
      </div>
      {failure && <Problem failure={failure} />}
      <section class="panel" aria-label="Graph">
        <header><h2>Graph</h2>{chain.length > 1 && <span class="muted small-text">the end waits for {chain.join(' → ')}</span>}</header>
        <Graph jobs={data.jobs} chain={chain} />
      </section>
      <section class="panel" aria-label="Jobs of the workflow">
        <header><h2>Jobs</h2></header>
        <div class="table-scroll">
          <table class="list">
            <thead><tr><th scope="col">Ref</th><th scope="col">State</th><th scope="col" class="wide">Queue</th><th scope="col" class="wide">Id</th><th scope="col">After</th><th scope="col" class="wide">Waits for</th><th scope="col" class="wide">When one of those fails</th></tr></thead>
            <tbody>
              {data.jobs.map((job) => (
                <tr key={job.ref}>
                  <th scope="row"><a href={href('jobs', job.jobId)}>{job.ref}</a></th>
                  <td>{job.status ? <StateBadge status={job.status} /> : <span class="muted">gone</span>}</td>
                  <td class="wide"><QueueLink queue={job.queue} /></td>
                  <td class="wide"><JobLink id={job.jobId} /></td>
                  <td>{job.dependsOn.join(', ') || <span class="muted">–</span>}</td>
                  <td class="wide">{waits(job) || <span class="muted">–</span>}</td>
                  <td class="wide">{job.dependsOn.length > 0 ? {fail: 'it fails too', run: 'it runs all the same', skip: 'it is cancelled'}[job.onParentFailure] : <span class="muted">–</span>}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </section>
    </>
  );
}
