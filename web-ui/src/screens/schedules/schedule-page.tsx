// One schedule: its timetable in words, its next five runs, what its runs make.
import {useState} from 'preact/hooks';

import {api} from '../../api/api';
import {hasEnded, type Schedule} from '../../api/types';
import {ActionButton} from '../../parts/action-button';
import {Empty} from '../../parts/empty';
import {JobLink, QueueLink} from '../../parts/job-link';
import {JsonView} from '../../parts/json-view';
import {Problem} from '../../parts/problem';
import {PausedBadge, StateBadge} from '../../parts/state-badge';
import {Time} from '../../parts/time';
import {deleteSchedule, pauseSchedule, resumeSchedule, runSchedule} from '../../state/actions';
import {now} from '../../state/clock';
import {go, href, withQuery} from '../../state/place';
import {usePoll} from '../../state/use-poll';
import {ago, count} from '../../text/format';
import {ScheduleForm} from './schedule-form';
import {clockChangeNote, timetableWords} from './words';

export function SchedulePage({id}: {id: string}) {
  const {data, failure, refresh} = usePoll(id, (signal) => api.schedule(id, signal), 5000);
  const [editing, setEditing] = useState(false);
  if (!data) {
    const gone = failure?.problem.status === 404;
    return (
      <>
        <h1 class="visually-hidden" tabIndex={-1}>Schedule</h1>
        {gone && <Empty icon="search" title="There is no such schedule"><p><a href={href('schedules')}>All schedules</a></p></Empty>}
        {failure && !gone && <Problem failure={failure} />}
      </>
    );
  }
  const {schedule, payload} = data;
  const {lastRun} = schedule;
  const goesOn = lastRun?.status && !hasEnded(lastRun.status) ? lastRun.status : null;
  return (
    <>
      <div class="page-head">
        <div>
          <h1 tabIndex={-1}>{id}</h1>
          {schedule.paused && <PausedBadge reason={null} />}
          <span>{timetableWords(schedule)}{schedule.cron && <> <span class="muted">in</span> {schedule.timezone ?? 'UTC'}</>}</span>
        </div>
        <div class="actions">
          <ActionButton action={runSchedule(id)} icon="active" then={({text}) => go(href('jobs', (JSON.parse(text) as {jobId: string}).jobId))} />
          <ActionButton action={schedule.paused ? resumeSchedule(id) : pauseSchedule(id)} icon={schedule.paused ? 'active' : 'paused'} then={refresh} />
          <button type="button" class="button" onClick={() => setEditing(true)}>Edit</button>
          <ActionButton action={deleteSchedule(id, goesOn !== null)} kind="danger" then={() => go(href('schedules'))} ask={{title: `Delete ${id}?`, text: <p>1 schedule is removed for good. The jobs that it made stay{goesOn && <>; the last of them is {goesOn}</>}.</p>}} />
        </div>
      </div>
      {failure && <Problem failure={failure} />}
      <div class="columns">
        <div>
          <NextRuns schedule={schedule} />
          <JsonView name="payload" text={payload} redacted={schedule.redacted} />
        </div>
        <Facts schedule={schedule} />
      </div>
      {editing && <ScheduleForm first={data} close={() => setEditing(false)} saved={() => { setEditing(false); refresh(); }} />}
    </>
  );
}

function NextRuns({schedule}: {schedule: Schedule}) {
  const note = clockChangeNote(schedule);
  const none = schedule.paused ? 'None while it is paused.' : 'It is over: no run is to come.';
  return (
    <section class="panel" aria-label="Next runs">
      <header><h2>Next runs</h2></header>
      <ol class="runs">
        {schedule.nextRuns.map((at) => <li key={at} class="num"><Time at={at} absolute /><span class="muted">{ago(now.value - Date.parse(at))}</span></li>)}
      </ol>
      {schedule.nextRuns.length === 0 && <p class="muted runs">{none}</p>}
      {note && <p class="muted small-text runs">{note}</p>}
    </section>
  );
}

const missedWords = {skip: 'left out', one: 'the last of them is made up for', all: 'each is made up for'};
const overlapWords = {allow: 'both run', skip: 'the run is left out', replace: 'the older one is cancelled'};

function Facts({schedule}: {schedule: Schedule}) {
  const {scheduleId, queue, name, cron, startAt, endAt, maxRuns, missed, overlap, lastRun, runs, skipped, createdAt, updatedAt} = schedule;
  return (
    <section class="panel" aria-label="Settings">
      <header><h2>Settings</h2></header>
      <dl class="facts">
        <dt>Queue</dt><dd><QueueLink queue={queue} />{name && name !== queue && <> as {name}</>}</dd>
        {cron && <><dt>Cron</dt><dd><code>{cron}</code></dd></>}
        {startAt && <><dt>Not before</dt><dd><Time at={startAt} absolute /></dd></>}
        {endAt && <><dt>Not after</dt><dd><Time at={endAt} absolute /></dd></>}
        {maxRuns !== null && <><dt>At most</dt><dd class="num">{count(maxRuns)} runs</dd></>}
        <dt>Runs missed while down</dt><dd>{missedWords[missed]}</dd>
        <dt>While the last job goes on</dt><dd>{overlapWords[overlap]}</dd>
        <dt>Last run</dt>
        <dd>{lastRun ? <>{lastRun.jobId && <JobLink id={lastRun.jobId} />} {lastRun.status && <StateBadge status={lastRun.status} />} {lastRun.error && <span class="bad">{lastRun.error}</span>} <Time at={lastRun.at} /></> : <span class="muted">none yet</span>}</dd>
        <dt>Runs</dt><dd><a class="num" href={withQuery(href('jobs'), {q: `tag:schedule:${scheduleId}`})}>{count(runs)}</a>{skipped > 0 && <span class="num"> and {count(skipped)} left out</span>}</dd>
        <dt>Made</dt><dd><Time at={createdAt} absolute /></dd>
        <dt>Changed</dt><dd><Time at={updatedAt} absolute /></dd>
      </dl>
    </section>
  );
}
