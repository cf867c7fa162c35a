// The state of the whole in one line, on every screen: flow, waits, dead letters, disk.
import {countOf, freshness, stats} from '../state/broker';
import {href} from '../state/place';
import {bytes, count, duration, rate} from '../text/format';
import {seriesOf} from '../text/series';
import {Icon} from './icons';

const seconds = 10;

/// Means over the last full seconds.
function flow() {
  const points = seriesOf(stats.value!).points.slice(-seconds);
  const mean = (key: 'submitted' | 'completed') => (points.length ? points.reduce((sum, point) => sum + point[key], 0) / points.length : 0);
  return {in: mean('submitted'), out: mean('completed')};
}

function Fact({name, value, title, alarm, to}: {name: string; value: string; title: string; alarm?: boolean; to?: string}) {
  return (
    <div class={alarm ? 'fact alarm' : 'fact'} title={title}>
      <dt>{name}</dt>
      <dd class="num">{alarm && <Icon name="alert" />}{to ? <a href={to}>{value}</a> : value}</dd>
    </div>
  );
}

const ms = (value: number | null) => (value === null ? '–' : duration(value));

export function HealthStrip() {
  if (!stats.value) return <section class="health" aria-label="Health of the broker" />;
  const {store, waitMs, runMs} = stats.value;
  const {in: submitted, out: completed} = flow();
  const dead = countOf('failed') ?? 0;
  const troubled = store.writeStalled || store.lowOnSpace;
  const disk = store.writeStalled ? 'writes stalled' : store.lowOnSpace ? 'disk nearly full' : 'takes work';
  return (
    <section class={freshness.value.kind === 'live' ? 'health' : 'health old'} aria-label="Health of the broker">
      <dl>
        <Fact name="in" value={`${rate(submitted)}/s`} title={`Jobs submitted a second, over the last ${seconds} s`} />
        <Fact name="done" value={`${rate(completed)}/s`} title={`Jobs completed a second, over the last ${seconds} s`} />
        <Fact name="wait p95" value={ms(waitMs.p95)} title="19 of 20 jobs waited less than this, in the last minute" />
        <Fact name="run p95" value={ms(runMs.p95)} title="19 of 20 attempts ran less than this, in the last minute" />
        <div class={dead > 0 ? 'fact warn' : 'fact'} title="Jobs that failed for good, over all queues">
          <dt>dead letters</dt>
          <dd class="num"><a href={href('dlq')}>{count(dead)}</a></dd>
        </div>
        <Fact name="disk free" value={store.freeBytes === null ? '–' : bytes(store.freeBytes)} alarm={store.lowOnSpace} title={`The jobs take ${bytes(store.diskBytes)} on disk`} />
        <Fact name="store" value={disk} alarm={troubled} to={href('store')} title={troubled ? 'Submits are refused until this is over; settling goes on' : 'Submits are taken'} />
      </dl>
    </section>
  );
}
