// Where jobs failed for good, queue by queue.
import {Empty} from '../../parts/empty';
import {queues} from '../../state/broker';
import {href} from '../../state/place';
import {count, rate} from '../../text/format';

export function Dlq() {
  if (!queues.value) return <h1 class="visually-hidden" tabIndex={-1}>Dead letters</h1>;
  const failed = queues.value.filter(({counts}) => counts.failed > 0).sort((a, b) => b.counts.failed - a.counts.failed);
  return (
    <>
      <h1 class="visually-hidden" tabIndex={-1}>Dead letters</h1>
      {failed.length === 0 && (
        <Empty icon="completed" title="No dead letters">
          <p>Jobs whose attempts are used up, or that a worker called hopeless, are kept here with their errors until you replay or purge them.</p>
        </Empty>
      )}
      {failed.length > 0 && (
        <section class="panel" aria-label="Dead letter queues">
          <header><h2>Dead letters</h2></header>
          <div class="table-scroll">
            <table class="list">
              <thead><tr><th scope="col">Queue</th><th scope="col" class="num">Dead letters</th><th scope="col" class="num">Failed/min</th><th scope="col" class="num wide">Failed in all</th></tr></thead>
              <tbody>
                {failed.map((queue) => (
                  <tr key={queue.queue}>
                    <th scope="row"><a href={href('dlq', queue.queue)}>{queue.queue}</a></th>
                    <td class="num"><b class="bad">{count(queue.counts.failed)}</b></td>
                    <td class="num">{rate(Math.round(queue.rates.failedPerSecond * 60))}</td>
                    <td class="num wide">{count(queue.lifetimeFailed)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </section>
      )}
    </>
  );
}
