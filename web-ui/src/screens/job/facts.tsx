import type {Job} from '../../api/types';
import {CopyButton} from '../../parts/copy-button';
import {JobLink} from '../../parts/job-link';
import {Time} from '../../parts/time';
import {href, withQuery} from '../../state/place';
import {count, duration, keptFor} from '../../text/format';
import {copiedFrom, copyTag} from '../enqueue/draft';
import {wordOf} from '../jobs/filter';

/// Jobs that this one was copied from or to.
function Relatives({job, copies}: {job: Job; copies: string[]}) {
  const from = copiedFrom(job.tags);
  return (
    <>
      {from && <><dt>Copied from</dt><dd><JobLink id={from} /></dd></>}
      {copies.length > 0 && <><dt>Copied to</dt><dd class="spaced">{copies.map((id) => <JobLink key={id} id={id} />)}</dd></>}
      {job.workflowId && <><dt>Workflow</dt><dd><a href={href('workflows', job.workflowId)}>{job.ref ?? job.workflowId}</a></dd></>}
    </>
  );
}

export function Facts({job, copies}: {job: Job; copies: string[]}) {
  const {backoff, retention} = job;
  const tags = job.tags.filter((tag) => !tag.startsWith(copyTag));
  return (
    <section class="panel" aria-label="Settings">
      <header><h2>Settings</h2></header>
      <dl class="facts">
        <Relatives job={job} copies={copies} />
        <dt>Priority</dt><dd class="num">{job.priority}</dd>
        {job.runAt && Date.parse(job.runAt) - Date.parse(job.createdAt) > 500 && <><dt>Not before</dt><dd><Time at={job.runAt} absolute /></dd></>}
        {job.group && <><dt>Group</dt><dd><a href={withQuery(href('jobs'), {q: wordOf('group', job.group)})}>{job.group}</a></dd></>}
        {tags.length > 0 && <><dt>Tags</dt><dd class="spaced">{tags.map((tag) => <a key={tag} href={withQuery(href('jobs'), {q: wordOf('tag', tag)})}>{tag}</a>)}</dd></>}
        {job.limits.length > 0 && <><dt>Limits</dt><dd><a href={href('limits')}>{job.limits.join(', ')}</a></dd></>}
        {job.ordered && <><dt>Strict order</dt><dd>one job of the group at a time</dd></>}
        {job.uniqueKey && <><dt>Unique key</dt><dd class="mono">{job.uniqueKey}</dd></>}
        <dt>Lost leases</dt><dd class="num">{job.stalls} of {job.maxStalls}</dd>
        {job.replays > 0 && <><dt>Run again by hand</dt><dd class="num">{count(job.replays)} times</dd></>}
        <dt>Lease</dt><dd class="num">{duration(job.leaseMs)}</dd>
        <dt>Time limit</dt><dd class="num">{job.timeoutMs ? duration(job.timeoutMs) : <span class="muted">none</span>}</dd>
        <dt>Backoff</dt><dd>{backoff.type}, {duration(backoff.delayMs ?? 0)}{backoff.type === 'exponential' && ` × ${backoff.factor}`}, at most {duration(backoff.maxDelayMs ?? 0)}</dd>
        <dt>Stays when completed</dt><dd>{keptFor(retention.completedMs)}</dd>
        <dt>Stays when failed</dt><dd>{keptFor(retention.failedMs)}</dd>
        {job.traceparent && <><dt>Trace</dt><dd class="mono clip">{job.traceparent}<CopyButton text={job.traceparent} what="the trace context" /></dd></>}
      </dl>
    </section>
  );
}
