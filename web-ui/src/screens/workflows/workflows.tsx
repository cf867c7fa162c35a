// Graphs of jobs that wait for each other, the newest first.
import {api} from '../../api/api';
import type {Workflow} from '../../api/types';
import {Empty} from '../../parts/empty';
import {Icon} from '../../parts/icons';
import {Paging} from '../../parts/paging';
import {Problem} from '../../parts/problem';
import {Span, Time} from '../../parts/time';
import {brokerAddress} from '../../state/actions';
import {href, place} from '../../state/place';
import {usePoll} from '../../state/use-poll';
import {curlOf} from '../../text/commands';
import {count} from '../../text/format';

export function WorkflowState({status}: {status: Workflow['status']}) {
  const state = status === 'running' ? 'active' : status;
  return <span class={`badge state-${state}`}><Icon name={state} />{status}</span>;
}

const sample = '{"name":"photo","jobs":[{"ref":"thumbnail","queue":"images"},{"ref":"publish","queue":"web","dependsOn":["thumbnail"]}]}';

export function Workflows() {
  const cursor = place.value.query.get('cursor');
  const {data, failure} = usePoll(`workflows${cursor}`, (signal) => api.workflows(cursor, signal), cursor ? 0 : 3000);
  const list = data?.workflows;
  return (
    <>
      <h1 class="visually-hidden" tabIndex={-1}>Workflows</h1>
      {failure && <Problem failure={failure} />}
      {list?.length === 0 && (
        <Empty icon="workflows" title="No workflows" command={curlOf({method: 'POST', path: '/workflows', body: sample}, brokerAddress())}>
          <p>Jobs that wait for each other, over any queues, are submitted together. Submit two:</p>
        </Empty>
      )}
      {list && list.length > 0 && (
        <section class="panel" aria-label="Workflows">
          <header><h2>Workflows</h2></header>
          <div class="table-scroll">
            <table class="list">
              <thead>
                <tr>
                  <th scope="col">Workflow</th><th scope="col">State</th><th scope="col" class="num">Jobs</th><th scope="col" class="num">Left</th>
                  <th scope="col" class="num wide">Failed</th><th scope="col" class="num wide">Took</th><th scope="col" class="num">Submitted</th>
                </tr>
              </thead>
              <tbody>
                {list.map((one) => (
                  <tr key={one.workflowId}>
                    <th scope="row"><a href={href('workflows', one.workflowId)}>{one.name}</a></th>
                    <td><WorkflowState status={one.status} /></td>
                    <td class="num">{count(one.total)}</td>
                    <td class="num">{one.left > 0 ? count(one.left) : <span class="muted">0</span>}</td>
                    <td class="num wide">{one.failed > 0 ? <b class="bad">{count(one.failed)}</b> : <span class="muted">0</span>}</td>
                    <td class="num wide"><Span from={one.createdAt} to={one.finishedAt} /></td>
                    <td class="num"><Time at={one.createdAt} /></td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
      <Paging nextCursor={data?.nextCursor ?? null} />
    </>
  );
}
