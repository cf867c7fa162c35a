// The frame around every screen, and which screen an address shows.
import type {ComponentChildren, ComponentType} from 'preact';
import {useEffect} from 'preact/hooks';

import {locked} from './api/http';
import {freshness} from './state/broker';
import {openDialog, useKeys} from './state/keys';
import {go, href, place} from './state/place';
import {HealthStrip} from './parts/health-strip';
import {Help} from './parts/help';
import {Palette} from './parts/palette';
import {Toaster} from './parts/toaster';
import {ScreenList, screens as bar, TopBar} from './parts/top-bar';
import {Unlock} from './parts/unlock';
import {ApiPage} from './screens/api/api-page';
import {Audit} from './screens/audit/audit';
import {Dlq} from './screens/dlq/dlq';
import {DlqQueue} from './screens/dlq/dlq-queue';
import {Enqueue} from './screens/enqueue/enqueue';
import {JobPage} from './screens/job/job-page';
import {Jobs} from './screens/jobs/jobs';
import {Missing} from './screens/missing/missing';
import {Overview} from './screens/overview/overview';
import {QueuePage} from './screens/queue/queue-page';
import {SchedulePage} from './screens/schedules/schedule-page';
import {Schedules} from './screens/schedules/schedules';
import {Limits} from './screens/limits/limits';
import {Store} from './screens/store/store';
import {Operations} from './screens/operations/operations';
import {WorkflowPage} from './screens/workflows/workflow-page';
import {Workflows} from './screens/workflows/workflows';
import {Workers} from './screens/workers/workers';

/// What stands for `:` is given to the screen as `id`.
const routes: [pattern: string, title: string, screen: ComponentType<{id: string}>][] = [
  ['', 'Overview', Overview],
  ['queues/:', 'Queue', QueuePage],
  ['jobs', 'Jobs', Jobs],
  ['jobs/:', 'Job', JobPage],
  ['dlq', 'Dead letters', Dlq],
  ['dlq/:', 'Dead letters', DlqQueue],
  ['workers', 'Workers', Workers],
  ['schedules', 'Schedules', Schedules],
  ['schedules/:', 'Schedule', SchedulePage],
  ['workflows', 'Workflows', Workflows],
  ['workflows/:', 'Workflow', WorkflowPage],
  ['operations', 'Bulk operations', Operations],
  ['limits', 'Limits', Limits],
  ['audit', 'Audit', Audit],
  ['enqueue', 'Enqueue', Enqueue],
  ['store', 'Store', Store],
  ['api', 'API', ApiPage],
];

function screenOf(path: string[]) {
  for (const [pattern, title, Screen] of routes) {
    const steps = pattern ? pattern.split('/') : [];
    if (steps.length === path.length && steps.every((step, i) => step === ':' || step === path[i])) {
      return {title, Screen, id: path[steps.indexOf(':')] ?? ''};
    }
  }
  return {title: 'Not found', Screen: Missing, id: ''};
}

/// Screens fade while what they show is old.
function Fresh({children}: {children: ComponentChildren}) {
  return <div class={freshness.value.kind === 'reconnecting' ? 'fresh old' : 'fresh'}>{children}</div>;
}

export function App() {
  const {title, Screen, id} = screenOf(place.value.path);
  useEffect(() => {
    document.title = `${id || title} · Pawl`;
  }, [title, id]);
  useKeys([
    ...bar.flatMap(({path, name, key}) => (key ? [{keys: `g ${key}`, does: `Go to ${name}`, run: () => go(href(...(path ? [path] : [])))}] : [])),
    {keys: '/', does: 'Search jobs', run: search},
    {keys: '?', does: 'Show this help', run: () => (openDialog.value = 'help')},
  ]);
  if (locked.value) return <><Unlock /><Toaster /></>;
  return (
    <>
      <a class="skip" href="#content">Skip to the content</a>
      <TopBar />
      <ScreenList />
      <HealthStrip />
      <main id="content" tabIndex={-1}>
        <Fresh><Screen key={place.value.path.join('/')} id={id} /></Fresh>
      </main>
      <Toaster />
      {openDialog.value === 'palette' && <Palette />}
      {openDialog.value === 'help' && <Help />}
    </>
  );
}

function search(): void {
  const focus = () => document.querySelector<HTMLElement>('#search')?.focus();
  if (place.value.path.join('/') === 'jobs') return focus();
  go(href('jobs'));
  requestAnimationFrame(focus);
}
