// What somebody should look at, and nothing when all is well.
import type {ComponentChildren} from 'preact';

import type {Queue} from '../../api/types';
import {Icon, type IconName} from '../../parts/icons';
import {QueueLink} from '../../parts/job-link';
import {lacksWorkers, stats, waiting} from '../../state/broker';
import {href} from '../../state/place';
import {bytes, plural} from '../../text/format';

interface Matter {
  key: string;
  icon: IconName;
  grave: boolean;
  text: ComponentChildren;
}

const listed = 6;

function matters(queues: Queue[]): Matter[] {
  const found: Matter[] = [];
  const store = stats.value?.store;
  if (store?.lowOnSpace) found.push({key: 'space', icon: 'alert', grave: true, text: <>The disk is nearly full ({bytes(store.freeBytes ?? 0)} left): submits are refused. Settling and purging go on.</>});
  if (store?.writeStalled) found.push({key: 'stall', icon: 'alert', grave: true, text: 'The disk does not keep up: submits are refused until it has.'});
  for (const queue of queues) {
    const name = <QueueLink queue={queue.queue} />;
    if (lacksWorkers(queue)) found.push({key: `w-${queue.queue}`, icon: 'workers', grave: true, text: <>{plural(waiting(queue), 'job')} of {name} {waiting(queue) === 1 ? 'waits' : 'wait'}, and no worker asks for {waiting(queue) === 1 ? 'it' : 'them'}.</>});
    if (queue.paused && waiting(queue) > 0) found.push({key: `p-${queue.queue}`, icon: 'paused', grave: false, text: <>{name} is paused{queue.pauseReason ? <>: “{queue.pauseReason}”</> : ''}; {plural(waiting(queue), 'job')} {waiting(queue) === 1 ? 'waits' : 'wait'}.</>});
  }
  for (const queue of queues) {
    if (queue.counts.failed > 0) found.push({key: `d-${queue.queue}`, icon: 'dlq', grave: false, text: <><a href={href('dlq', queue.queue)}>{plural(queue.counts.failed, 'dead letter')}</a> in <QueueLink queue={queue.queue} />.</>});
  }
  return found;
}

export function Attention({queues}: {queues: Queue[]}) {
  const found = matters(queues);
  if (found.length === 0) return <p class="quiet-note"><Icon name="completed" /> Nothing needs you: no dead letters, and every queue with work has workers.</p>;
  return (
    <section class="panel attention" aria-label="Needs attention">
      <ul>
        {found.slice(0, listed).map(({key, icon, grave, text}) => <li key={key} class={grave ? 'grave' : ''}><Icon name={icon} /><span>{text}</span></li>)}
        {found.length > listed && <li class="muted"><span /><span>{plural(found.length - listed, 'further matter')}: see the table.</span></li>}
      </ul>
    </section>
  );
}
