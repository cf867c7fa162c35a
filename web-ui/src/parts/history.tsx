// What went through, how long it waited and ran, and what is there: of all queues or of one, over a time that is chosen.
import {useMemo} from 'preact/hooks';

import {api} from '../api/api';
import {place, setQuery} from '../state/place';
import {usePoll} from '../state/use-poll';
import {duration, rate, count} from '../text/format';
import {seriesOf, thinned, type Point} from '../text/series';
import {Chart, type Line} from './chart';
import {Problem} from './problem';

const ranges = [[60, '1 min'], [300, '5 min'], [3600, '1 h'], [86_400, '24 h'], [604_800, '7 d']] as const;
const pointsMax = 150;
const first = 300;

export function History({queue}: {queue?: string}) {
  // Of one queue all is of interest; over all of them the table below is, until more is asked for.
  const all = queue !== undefined || place.value.query.get('charts') === 'all';
  const wanted = Number(place.value.query.get('range') ?? first);
  const seconds = ranges.some(([each]) => each === wanted) ? wanted : first;
  const {data, failure} = usePoll(`${queue ?? ''} ${seconds}`, (signal) => api.stats(seconds, queue, signal), seconds > 3600 ? 30_000 : 2000);
  const series = useMemo(() => data && thinned(seriesOf(data), pointsMax), [data]);
  const charts = series && <Charts points={series.points} step={series.step} all={all} />;
  return (
    <section class="panel" aria-label="History">
      <header>
        <h2>Throughput</h2>
        <span class="grow" />
        {queue === undefined && <button type="button" class="button small quiet" aria-pressed={all} onClick={() => setQuery({charts: all ? undefined : 'all'}, 'replace')}>Waits, runs, backlog</button>}
        <div class="segments" role="group" aria-label="Time range">
          {ranges.map(([each, name]) => (
            <button type="button" key={each} aria-pressed={each === seconds} onClick={() => setQuery({range: each === first ? undefined : String(each)}, 'replace')}>{name}</button>
          ))}
        </div>
      </header>
      {failure && <Problem failure={failure} />}
      {charts}
    </section>
  );
}

const perSecond = (value: number) => `${rate(value)}/s`;

function Charts({points, step, all}: {points: Point[]; step: number; all: boolean}) {
  const times = points.map(({at}) => at);
  const line = (name: string, colour: Line['class'], value: (point: Point) => number | null | undefined, area = false): Line => ({name, class: colour, area, values: points.map((point) => value(point) ?? null)});
  const frame = {times, step: step * 1000};
  const counted = all && points.some(({counts}) => counts !== null);
  return (
    <>
      <Chart {...frame} title="Jobs a second" show={perSecond} lines={[line('submitted', 'second', (point) => point.submitted / point.seconds), line('completed', 'main', (point) => point.completed / point.seconds, true), line('failed', 'alarm', (point) => point.failed / point.seconds)]} />
      {counted && (
        <div class="charts">
          <div><h3>Wait</h3><Chart {...frame} title="Wait" show={duration} lines={[line('p50', 'second', ({wait}) => wait?.p50), line('p95', 'main', ({wait}) => wait?.p95)]} /></div>
          <div><h3>Run</h3><Chart {...frame} title="Run" show={duration} lines={[line('p50', 'second', ({run}) => run?.p50), line('p95', 'main', ({run}) => run?.p95)]} /></div>
          <div><h3>Backlog</h3><Chart {...frame} title="Backlog" show={(value) => count(Math.round(value))} lines={[line('waiting', 'main', ({counts}) => counts && counts.pending + counts.stalled, true), line('active', 'second', ({counts}) => counts?.active), line('dead', 'alarm', ({counts}) => counts?.failed)]} /></div>
        </div>
      )}
    </>
  );
}
