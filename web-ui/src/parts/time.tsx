// Moments and spans by the broker's clock. The title has the absolute time; the zone is the user's choice.
import {brokerNow, now} from '../state/clock';
import {zone} from '../state/preferences';
import {ago, duration, moment, shortDuration} from '../text/format';

export function Time({at, absolute}: {at: string | null | undefined; absolute?: boolean}) {
  if (!at) return <span class="muted">–</span>;
  const ms = Date.parse(at);
  const full = moment(ms, zone.value === 'utc');
  const exact = full.replace(/(:\d\d)( |$)/, `$1.${at.slice(20, 23)}$2`);
  return (
    <time dateTime={at} title={absolute ? ago(now.value - ms) : exact}>
      {absolute ? full : ago(now.value - ms)}
    </time>
  );
}

/// How long something went on, or goes on still when `to` is null.
export function Span({from, to}: {from: string | null; to: string | null | undefined}) {
  if (!from) return <span class="muted">–</span>;
  // A running span counts up; a finished one needs no clock.
  const end = to ? Date.parse(to) : (now.value, brokerNow());
  const ms = Math.max(0, end - Date.parse(from));
  return <span title={`${Math.round(ms)} ms`}>{to ? duration(ms) : shortDuration(ms)}</span>;
}
