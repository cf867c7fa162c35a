// The groups of a queue: what each gets of its workers, and which are paused.
import {useState} from 'preact/hooks';

import {api} from '../../api/api';
import type {Group} from '../../api/types';
import {ActionButton} from '../../parts/action-button';
import {Icon} from '../../parts/icons';
import {PausedBadge} from '../../parts/state-badge';
import {Time} from '../../parts/time';
import {pauseGroup, resumeGroup} from '../../state/actions';
import {href, withQuery} from '../../state/place';
import {usePoll} from '../../state/use-poll';
import {count} from '../../text/format';
import {wordOf} from '../jobs/filter';
import {PauseDialog} from './pause-dialog';

export function QueueGroups({queue}: {queue: string}) {
  const {data, refresh} = usePoll(queue, (signal) => api.groups(queue, signal), 2000);
  const [pausing, setPausing] = useState<string | null>(null);
  if (!data || data.groups.every(({group}) => group === null)) return null;
  const more = data.total - data.groups.length;
  return (
    <section class="panel" aria-label="Groups">
      <header><h2>Groups</h2></header>
      <div class="table-scroll">
        <table class="list">
          <thead><tr><th scope="col">Group</th><th scope="col" class="num">Running</th><th scope="col" class="num">Waiting</th><th scope="col" class="num wide">Ended/min</th><th scope="col" class="wide">Worker time</th><th scope="col"><span class="visually-hidden">Actions</span></th></tr></thead>
          <tbody>{data.groups.map((group) => <Row key={group.group} queue={queue} group={group} pause={setPausing} refresh={refresh} />)}</tbody>
        </table>
      </div>
      {more > 0 && <p class="muted pad">And {count(more)} more, which used less worker time of late.</p>}
      {pausing !== null && <PauseDialog what={pausing} action={(reason) => pauseGroup(queue, pausing, reason)} close={() => setPausing(null)} then={refresh} />}
    </section>
  );
}

function Row({queue, group, pause, refresh}: {queue: string; group: Group; pause: (group: string) => void; refresh: () => void}) {
  const name = group.group;
  const share = `${Math.round(group.workerShare * 100)} %`;
  return (
    <tr data-group={name ?? ''}>
      <th scope="row">
        {name === null ? <span class="muted">none</span> : <a href={withQuery(href('jobs'), {q: `queue:${queue} ${wordOf('group', name)}`})}>{name}</a>}
        {group.paused && <><br /><PausedBadge reason={group.pauseReason} /> <span class="muted">since <Time at={group.pausedAt!} /></span></>}
      </th>
      <td class="num">{count(group.active)}</td>
      <td class="num">{count(group.waiting)}{!group.exact && '+'}</td>
      <td class="num wide">{group.jobsPerMinute.toFixed(1)}</td>
      <td class="wide"><span class="mini-progress"><progress max={1} value={group.workerShare} aria-label={`Worker time of ${name ?? 'jobs without a group'}`} /><span class="num">{share}</span></span></td>
      <td>
        <span class="actions">
          {name !== null && (group.paused
            ? <ActionButton action={resumeGroup(queue, name)} then={refresh} />
            : <button type="button" class="button" onClick={() => pause(name)}><Icon name="paused" />Pause</button>)}
        </span>
      </td>
    </tr>
  );
}
