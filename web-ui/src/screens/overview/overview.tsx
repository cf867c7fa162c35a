// All queues in one table, what needs somebody, and how much goes through.
import {useState} from 'preact/hooks';

import {Code, Empty} from '../../parts/empty';
import {History} from '../../parts/history';
import {brokerAddress} from '../../state/actions';
import {queues} from '../../state/broker';
import {href, place, setQuery} from '../../state/place';
import {count} from '../../text/format';
import {curlOf, pawlOf} from '../../text/commands';
import {Attention} from './attention';
import {QueueTable} from './queue-table';

const shownAtFirst = 200;

export function Overview() {
  if (!queues.value) return <h1 class="visually-hidden" tabIndex={-1}>Overview</h1>;
  if (queues.value.length === 0) return <NoQueues />;
  return (
    <>
      <h1 class="visually-hidden" tabIndex={-1}>Overview</h1>
      <Attention queues={queues.value} />
      <History />
      <Queues />
    </>
  );
}

function Queues() {
  const [most, setMost] = useState(shownAtFirst);
  const wanted = place.value.query.get('find') ?? '';
  const all = queues.value!;
  const found = wanted ? all.filter(({queue}) => queue.toLowerCase().includes(wanted.toLowerCase())) : all;
  return (
    <section class="panel" aria-label="Queues">
      <header>
        <h2>Queues</h2>
        <span class="muted num small-text">{count(all.length)}</span>
        <span class="grow" />
        {(all.length > 8 || wanted) && (
          <input class="find" type="search" aria-label="Find a queue" placeholder="Find a queue" value={wanted} onInput={(event) => setQuery({find: event.currentTarget.value}, 'replace')} />
        )}
      </header>
      <QueueTable queues={found.slice(0, most)} />
      {found.length > most && <p class="center"><button type="button" class="button" onClick={() => setMost(most + 1000)}>Show {count(found.length - most)} more</button></p>}
      {found.length === 0 && <p class="center muted">No queue is named like this.</p>}
    </section>
  );
}

function NoQueues() {
  const broker = brokerAddress();
  const first = curlOf({method: 'POST', path: '/jobs', body: '{"queue":"hello","payload":{"name":"world"}}'}, broker);
  const work = pawlOf(['work', 'hello', '--exec', 'cat'], broker);
  return (
    <>
      <h1 class="visually-hidden" tabIndex={-1}>Overview</h1>
      <Empty icon="overview" title="No queues yet">
        <p>A queue is made by the first job that names it. Submit one:</p>
        <Code text={first} what="the command that submits a job" />
        <p>and let a worker do it:</p>
        <Code text={work} what="the command that starts a worker" />
        <p>or fill in a form: <a href={href('enqueue')}>Enqueue a job</a>.</p>
      </Empty>
    </>
  );
}
