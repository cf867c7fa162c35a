// The dead letters of a queue by what made them fail: how many, since when, how it goes; each can be replayed or purged as a whole.
import {api, type DeadLetterFilter} from '../../api/api';
import type {FailureGroup} from '../../api/types';
import {Time} from '../../parts/time';
import {place, relist, setQuery} from '../../state/place';
import {usePoll} from '../../state/use-poll';
import {count, plural} from '../../text/format';

/// What comes after the first thousand groups; it has no fingerprint of its own.
export const others = '0000000000000000';
const shownAtFirst = 8;

/// A bar for each of the last 24 hours.
function Trend({hours}: {hours: number[]}) {
  const top = Math.max(1, ...hours);
  const total = hours.reduce((sum, value) => sum + value, 0);
  return (
    <svg class="trend" viewBox="0 0 96 20" width="96" height="20" role="img" aria-label={`${plural(total, 'failure')} in 24 hours, ${count(hours.at(-1)!)} in the last`}>
      {hours.map((value, hour) => <rect key={hour} x={hour * 4} width="3" y={value ? 20 - Math.max(2, (value / top) * 20) : 19} height={value ? Math.max(2, (value / top) * 20) : 1} class={value ? '' : 'none'} />)}
    </svg>
  );
}

interface Props {
  queue: string;
  /// What else than the cause narrows the list.
  act: (kind: 'replay' | 'purge', filter: DeadLetterFilter, total: number) => void;
  /// Changes when the list was changed by hand.
  version: number;
}

export function Causes({queue, act, version}: Props) {
  const {data} = usePoll(`${queue} ${version}`, (signal) => api.causes(queue, signal), 5000);
  const current = place.value.query.get('cause');
  const all = place.value.query.get('causes') === 'all';
  if (!data || data.length === 0) return null;
  const shown = all ? data : data.slice(0, shownAtFirst);
  return (
    <section class="panel" aria-label="Causes">
      <header><h2>Causes</h2><span class="muted num small-text">{count(data.length)}</span></header>
      <div class="table-scroll">
        <table class="list">
          <thead>
            <tr>
              <th scope="col">Error</th><th scope="col" class="num">Jobs</th><th scope="col" class="stretch wide">Latest message</th><th scope="col" class="wide">24 hours</th>
              <th scope="col" class="num wide">First</th><th scope="col" class="num">Last</th><th scope="col"><span class="visually-hidden">Actions</span></th>
            </tr>
          </thead>
          <tbody>{shown.map((group) => <Row key={group.fingerprint} group={group} isCurrent={group.fingerprint === current} act={act} />)}</tbody>
        </table>
      </div>
      {data.length > shown.length && <p class="center"><button type="button" class="button small" onClick={() => setQuery({causes: 'all'}, 'replace')}>{plural(data.length - shown.length, 'further cause')}</button></p>}
    </section>
  );
}

function Row({group, isCurrent, act}: {group: FailureGroup; isCurrent: boolean; act: Props['act']}) {
  const {fingerprint, type, sample, firstSeen, lastSeen, trend} = group;
  const filter = {fingerprint};
  return (
    <tr data-cause={fingerprint} aria-current={isCurrent ? 'true' : undefined} class={isCurrent ? 'at' : ''}>
      <th scope="row">
        {fingerprint === others
          ? <span class="muted">others</span>
          : <button type="button" class="link bad" aria-pressed={isCurrent} title={isCurrent ? 'Show all' : 'Show only these'} onClick={() => relist({cause: isCurrent ? undefined : fingerprint})}>{type ?? 'no error'}</button>}
      </th>
      <td class="num"><b>{count(group.count)}</b></td>
      <td class="stretch wide"><span class="clip" title={sample ?? undefined}>{sample}</span></td>
      <td class="wide"><Trend hours={trend} /></td>
      <td class="num wide"><Time at={firstSeen} /></td>
      <td class="num"><Time at={lastSeen} /></td>
      <td>
        {fingerprint !== others && (
          <span class="actions">
            <button type="button" class="button" onClick={() => act('replay', filter, group.count)}>Replay…</button>
            <button type="button" class="button danger wide" onClick={() => act('purge', filter, group.count)}>Purge…</button>
          </span>
        )}
      </td>
    </tr>
  );
}
