// All schedules: when in words, what is next, what was last; run now, pause, make one.
import {useState} from 'preact/hooks';

import {api} from '../../api/api';
import type {Schedule} from '../../api/types';
import {ActionButton} from '../../parts/action-button';
import {Empty} from '../../parts/empty';
import {Icon} from '../../parts/icons';
import {JobLink, QueueLink} from '../../parts/job-link';
import {Problem} from '../../parts/problem';
import {PausedBadge} from '../../parts/state-badge';
import {Time} from '../../parts/time';
import {brokerAddress, pauseSchedule, resumeSchedule, runSchedule} from '../../state/actions';
import {go, href} from '../../state/place';
import {usePoll} from '../../state/use-poll';
import {pawlOf} from '../../text/commands';
import {count} from '../../text/format';
import {ScheduleForm} from './schedule-form';
import {timetableWords} from './words';

export function Schedules() {
  const {data, failure, refresh} = usePoll('schedules', (signal) => api.schedules(signal), 5000);
  const [making, setMaking] = useState(false);
  return (
    <>
      <h1 class="visually-hidden" tabIndex={-1}>Schedules</h1>
      {failure && <Problem failure={failure} />}
      {data?.length === 0 && (
        <Empty icon="schedules" title="No schedules" command={pawlOf(['schedule', 'nightly', 'reports', '--cron', '30 2 * * *', '--timezone', 'Europe/Berlin'], brokerAddress())}>
          <p>A schedule makes a job again and again, by a cron expression or every so often. Make one here, or by a command:</p>
          <button type="button" class="button primary" onClick={() => setMaking(true)}>New schedule</button>
        </Empty>
      )}
      {data && data.length > 0 && (
        <section class="panel" aria-label="Schedules">
          <header>
            <h2>Schedules</h2>
            <span class="muted num small-text">{count(data.length)}</span>
            <span class="grow" />
            <button type="button" class="button" onClick={() => setMaking(true)}><Icon name="enqueue" />New schedule</button>
          </header>
          <div class="table-scroll">
            <table class="list">
              <thead>
                <tr>
                  <th scope="col">Schedule</th><th scope="col">When</th><th scope="col" class="wide">Zone</th><th scope="col" class="wide">Queue</th>
                  <th scope="col">Next</th><th scope="col" class="wide">Last</th><th scope="col" class="num wide">Runs</th><th scope="col" class="wide"><span class="visually-hidden">Actions</span></th>
                </tr>
              </thead>
              <tbody>{data.map((schedule) => <Row key={schedule.scheduleId} schedule={schedule} refresh={refresh} />)}</tbody>
            </table>
          </div>
        </section>
      )}
      {making && <ScheduleForm close={() => setMaking(false)} saved={(id) => go(href('schedules', id))} />}
    </>
  );
}

function Row({schedule, refresh}: {schedule: Schedule; refresh: () => void}) {
  const {scheduleId, queue, cron, everyMs, timezone, paused, nextRuns, lastRun, runs} = schedule;
  const words = timetableWords(schedule);
  return (
    <tr data-schedule={scheduleId}>
      <th scope="row"><a href={href('schedules', scheduleId)}>{scheduleId}</a></th>
      <td class="wraps" title={cron ?? undefined}>{words === cron ? <code>{cron}</code> : words}</td>
      <td class="wide">{everyMs ? <span class="muted">–</span> : (timezone ?? 'UTC')}</td>
      <td class="wide"><QueueLink queue={queue} /></td>
      <td>{paused ? <PausedBadge reason={null} /> : nextRuns[0] ? <Time at={nextRuns[0]} /> : <span class="muted">never again</span>}</td>
      <td class="wide">{lastRun ? <>{lastRun.jobId ? <JobLink id={lastRun.jobId} /> : <span class="bad">{lastRun.error}</span>} <span class="muted"><Time at={lastRun.at} /></span></> : <span class="muted">–</span>}</td>
      <td class="num wide">{count(runs)}</td>
      <td class="wide">
        <span class="actions">
          <ActionButton action={runSchedule(scheduleId)} then={({text}) => go(href('jobs', (JSON.parse(text) as {jobId: string}).jobId))} />
          <ActionButton action={paused ? resumeSchedule(scheduleId) : pauseSchedule(scheduleId)} then={refresh} />
        </span>
      </td>
    </tr>
  );
}
