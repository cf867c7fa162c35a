// One job: what it is, why it does not run, what happened, what it holds, and what can be done to it.
import assert from 'node:assert/strict';

import {before, eventually, startBroker, startWorker, test, withPage} from './harness.mjs';

let broker;
before(async () => {
  broker = await startBroker();
});

test('the head, the timeline and the attempts are the record’s', async () => {
  const id = await broker.submit('story', {name: 'chapter', maxAttempts: 3, backoff: {type: 'fixed', delayMs: 1, jitter: 0}, priority: 7, group: 'g1', tags: ['a', 'b']});
  const [first] = await broker.lease('story', {worker: 'one@host'});
  await broker.fail(first, {type: 'Glitch', message: 'it broke', stack: 'at here (file.ts:1)'});
  const [second] = await eventually(async () => { const jobs = await broker.lease('story', {worker: 'two@host'}); return jobs.length ? jobs : null; });
  await broker.complete(second, {ok: true});
  const job = await broker.job(id);
  await withPage(broker, `jobs/${id}`, async (page) => {
    await page.getByRole('heading', {name: 'chapter', exact: true}).waitFor();
    await page.getByText('attempt 2 of 3').waitFor();
    await page.locator('.id-line', {hasText: id}).waitFor();
    const steps = await page.locator('.timeline [data-step]').evaluateAll((all) => all.map((step) => step.dataset.step));
    assert.deepEqual(steps, job.history.map(({status}) => status));
    assert.equal(steps.filter((step) => step === 'active').length, 2);
    await page.locator('.timeline', {hasText: /Glitch; waits/}).waitFor();
    const attempts = await page.locator('.attempts > li').allInnerTexts();
    assert.equal(attempts.length, 2);
    assert.match(attempts[0], /#2/);
    assert.match(attempts[0], /two@host/);
    assert.match(attempts[1], /Glitch it broke/);
    assert.match(attempts[1], /one@host/);
    await page.locator('.facts', {hasText: 'g1'}).first().waitFor();
    await page.getByRole('button', {name: 'Copy the id'}).click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), id);
  });
});

test('the address stays the job’s through all its states', async () => {
  const id = await broker.submit('moves');
  await withPage(broker, `jobs/${id}`, async (page) => {
    await page.locator('.page-head .state-pending').waitFor();
    const [job] = await broker.lease('moves');
    await page.locator('.page-head .state-active').waitFor();
    await broker.complete(job, 1);
    await page.locator('.page-head .state-completed').waitFor();
    await page.reload();
    await page.locator('.page-head .state-completed').waitFor();
  });
});

test('the timeline tells heartbeats, silence and how a wait came about; the head what comes next', async () => {
  const id = await broker.submit('beaten', {maxAttempts: 5, leaseMs: 4500, backoff: {type: 'exponential', delayMs: 60_000, factor: 3, maxDelayMs: 3_600_000, jitter: 0}});
  const [silent] = await broker.lease('beaten', {worker: 'quiet'});
  await broker.heartbeat(silent);
  await withPage(broker, `jobs/${id}`, async (page) => {
    const timeline = page.locator('.timeline');
    await timeline.getByText(/^1 heartbeat, at most [\d.]+ m?s apart; heard from$/).waitFor();
    await page.locator('[data-next]', {hasText: 'lease ends'}).waitFor();
    await timeline.locator('[data-step=stalled]', {hasText: /nothing came from it for 4\.[5-9] s \(heartbeats before that: 1\)/}).waitFor();
    const [again] = await broker.lease('beaten', {worker: 'loud'});
    await timeline.getByText('no heartbeat yet; heard from').waitFor();
    await broker.fail(again, {type: 'Busy', message: 'later'});
    await timeline.getByText('Busy; waits 1 min before the next attempt (exponential: 1 min)').waitFor();
    await page.locator('[data-next]', {hasText: /due in \d\d s/}).waitFor();
    await broker.call('POST', `/jobs/${id}/promote`);
    const [third] = await broker.lease('beaten');
    await broker.fail(third, {type: 'Busy', message: 'later'});
    await timeline.getByText('Busy; waits 3 min before the next attempt (exponential: 1 min × 3)').waitFor();
    await broker.call('POST', `/jobs/${id}/promote`);
    const [fourth] = await broker.lease('beaten');
    await broker.fail(fourth, {type: 'Busy', message: 'later'}, {retryDelayMs: 7_200_000});
    await timeline.getByText('Busy; waits 2 h before the next attempt', {exact: true}).waitFor();
  });
});

test('each attempt has its own log lines, and the address says which are shown', async () => {
  const id = await broker.submit('logged', {maxAttempts: 2, backoff: {type: 'fixed', delayMs: 1, jitter: 0}});
  const [first] = await broker.lease('logged');
  await broker.log(first, 'tried once');
  await broker.fail(first, {type: 'Glitch', message: 'no'});
  const [second] = await eventually(async () => { const jobs = await broker.lease('logged'); return jobs.length ? jobs : null; });
  await broker.log(second, 'tried twice', 'and it went well');
  await broker.complete(second, 1);
  assert.deepEqual((await broker.get(`/jobs/${id}/logs?attempt=2`)).lines.map(({attempt, text}) => [attempt, text]), [[2, 'tried twice'], [2, 'and it went well']]);
  await withPage(broker, `jobs/${id}`, async (page) => {
    const lines = page.locator('.log-line');
    await eventually(async () => (await lines.count()) === 3, 'all lines');
    await page.locator('.attempts > li').nth(1).getByRole('button', {name: '1 log line'}).click();
    await eventually(async () => (await lines.count()) === 1, 'those of the first');
    await page.reload();
    await lines.getByText('tried once').waitFor();
    assert.equal(await lines.count(), 1);
    await page.getByLabel('Attempt', {exact: true}).selectOption('2');
    await lines.getByText('and it went well').waitFor();
    assert.equal(await lines.count(), 2);
    await page.getByLabel('Attempt', {exact: true}).selectOption('0');
    await eventually(async () => (await lines.count()) === 3, 'all again');
  });
});

const reasons = {
  'no-worker': async (q) => broker.submit(q),
  'queue-paused': async (q) => { const id = await broker.submit(q); await broker.call('POST', `/queues/${q}/pause`, {reason: 'for the test'}); return id; },
  'group-paused': async (q) => { const id = await broker.submit(q, {group: 'acme'}); await broker.call('POST', `/queues/${q}/groups/pause`, {group: 'acme', reason: 'for the test'}); return id; },
  delayed: async (q) => broker.submit(q, {delayMs: 3_600_000}),
  running: async (q) => { const id = await broker.submit(q); await broker.lease(q); return id; },
  'concurrency-limit': async (q) => {
    await broker.call('PUT', `/queues/${q}`, {maxConcurrency: 1});
    const [, second] = await broker.submitMany(q, 2);
    await broker.lease(q);
    return second;
  },
  'rate-limit': async (q) => {
    await broker.call('PUT', `/queues/${q}`, {rateLimit: {max: 1, perMs: 3_600_000}});
    const [, second] = await broker.submitMany(q, 2);
    await broker.lease(q);
    return second;
  },
  'named-concurrency-limit': async (q) => {
    await broker.call('PUT', '/limits/one', {concurrency: 1});
    const [, second] = await broker.submitMany(q, 2, () => ({limits: ['one']}));
    await broker.lease(q);
    return second;
  },
  blocked: async (q) => {
    const {jobs} = await broker.call('POST', '/workflows', {name: 'two', jobs: [{ref: 'a', queue: q}, {ref: 'b', queue: q, dependsOn: ['a']}]});
    return jobs[1].jobId;
  },
  'ordered-behind': async (q) => {
    const [, second] = await broker.submitMany(q, 2, () => ({group: 'g', ordered: true}));
    await broker.lease(q);
    return second;
  },
  'group-concurrency-limit': async (q) => {
    await broker.call('PUT', `/queues/${q}`, {groupConcurrency: 1});
    const [, second] = await broker.submitMany(q, 2, () => ({group: 'g'}));
    await broker.lease(q);
    return second;
  },
};
for (const [reason, make] of Object.entries(reasons)) {
  test(`why it is not running: ${reason}`, async () => {
    const id = await make(`why-${reason}`);
    const why = await broker.get(`/jobs/${id}/why`);
    assert.equal(why.reason, reason);
    await withPage(broker, `jobs/${id}`, async (page) => {
      await page.locator(`[data-reason="${reason}"]`, {hasText: why.sentence.slice(0, 20)}).waitFor();
    });
  });
}

test('progress and logs come within a second, while it runs', async () => {
  const id = await broker.submit('watched');
  const [job] = await broker.lease('watched');
  await withPage(broker, `jobs/${id}`, async (page) => {
    await page.locator('.page-head .state-active').waitFor();
    await page.locator('[data-freshness=live]').waitFor();
    await broker.heartbeat(job, {progress: 1});
    await page.getByText('1 %').waitFor();  // the stream of events is open
    await broker.heartbeat(job, {progress: 12.5, message: 'reading'});
    await page.getByText('12.5 %').waitFor({timeout: 1000});
    await page.getByText('reading').waitFor();
    await broker.log(job, 'line one', 'line two');
    await page.locator('.log-line', {hasText: 'line two'}).waitFor({timeout: 1000});
    await broker.log(job, 'line three');
    await page.locator('.log-line', {hasText: 'line three'}).waitFor({timeout: 1000});
    await page.getByLabel('Find in the logs').fill('two');
    await eventually(async () => (await page.locator('.log-line').count()) === 1, 'one line is found');
    await page.getByLabel('Find in the logs').fill('');
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', {name: 'Download'}).click()]);
    const {readFileSync} = await import('node:fs');
    assert.equal(readFileSync(await download.path(), 'utf8').split('\n').filter(Boolean).length, 3);
  });
});

test('ten thousand log lines stay smooth', async () => {
  const id = await broker.submit('chatty');
  const [job] = await broker.lease('chatty');
  for (let i = 0; i < 10; i++) await broker.log(job, ...Array.from({length: 1000}, (_, k) => `line ${i * 1000 + k}: something happened`));
  await withPage(broker, `jobs/${id}`, async (page) => {
    await page.locator('.log-line').first().waitFor();
    const last = page.locator('.log-line').last();
    assert.match(await last.innerText(), /line 9999/);
    assert.ok((await page.locator('.log-line').count()) <= 1000, 'only the end is drawn');
    const longestOf20 = () => page.evaluate(async () => {
      const box = document.querySelector('.logs');
      let worst = 0;
      for (let i = 0; i < 20; i++) {
        const start = performance.now();
        box.scrollTop = (i % 2) * box.scrollHeight;
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        worst = Math.max(worst, performance.now() - start);
      }
      return worst;
    });
    let longest = Infinity;  // a machine that stands still for once is no fault of the page
    for (let round = 0; round < 5 && longest >= 250; round++) longest = Math.min(longest, await longestOf20());
    assert.ok(longest < 250, `a frame took ${longest} ms`);
  });
});

test('the payload keeps every digit, folds, shows its size, and gives paths and text', async () => {
  const payload = '{"big":12345678901234567890,"user":{"id":42,"tags":["a","b"]},"dup":1,"dup":2,"empty":{}}';
  const {jobId} = await broker.call('POST', '/jobs', `{"queue":"json","payload":${payload}}`);
  await withPage(broker, `jobs/${jobId}`, async (page) => {
    const box = page.getByRole('region', {name: 'payload'});
    await box.getByText('12345678901234567890').waitFor();
    await box.getByText(`${payload.length} B`).waitFor();
    await box.getByRole('button', {name: /^id:?$/}).click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'payload.user.id');
    await box.getByRole('button', {name: 'Fold payload.user', exact: true}).click();
    await box.getByText('42').waitFor({state: 'detached'});
    await box.getByRole('button', {name: 'Raw'}).click();
    assert.equal(await box.locator('pre').innerText(), payload);
    await box.getByRole('button', {name: 'Copy the payload'}).click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), payload);
  });
});

test('retry runs the same job again and keeps its attempts', async () => {
  const [id] = await broker.bury('retried', 1, {type: 'Once', message: 'first try'});
  await withPage(broker, `jobs/${id}`, async (page) => {
    await page.getByRole('button', {name: 'Retry', exact: true}).click();
    await page.getByText('The job runs again.').waitFor();
    await page.locator('.page-head .state-pending').waitFor();
    const job = await broker.job(id);
    assert.equal(job.replays, 1);
    assert.equal(job.errors.length, 1);
    await page.locator('.attempts', {hasText: 'first try'}).waitFor();
  });
});

test('a delayed job is promoted', async () => {
  const id = await broker.submit('later', {delayMs: 3_600_000});
  await withPage(broker, `jobs/${id}`, async (page) => {
    await page.getByRole('button', {name: 'Run now', exact: true}).click();
    await page.locator('.page-head .state-pending').waitFor();
    assert.equal((await broker.job(id)).status, 'pending');
  });
});

test('a job that waits is rescheduled: what is shown is what the broker has', async () => {
  const id = await broker.submit('another-time');
  await withPage(broker, `jobs/${id}`, async (page) => {
    await page.getByRole('button', {name: 'Reschedule…'}).click();
    const dialog = page.getByRole('dialog', {name: 'Reschedule this job'});
    await dialog.getByRole('button', {name: 'in 10 min'}).click();
    await dialog.locator('[data-says]', {hasText: /[+−]\d\d:\d\d, in (9|10) min/}).waitFor();
    const asked = Date.parse(await dialog.getByLabel('Not before').inputValue());
    await dialog.getByRole('button', {name: 'Reschedule', exact: true}).click();
    await page.locator('.page-head .state-delayed').waitFor();
    const job = await broker.job(id);
    assert.equal(job.status, 'delayed');
    assert.equal(Date.parse(job.runAt), asked);
    assert.equal(await page.locator('.facts dt:text-is("Not before") + dd time').getAttribute('datetime'), job.runAt);
    // A delayed one too, here by the copied command; the page hears of it.
    await page.getByRole('button', {name: 'Reschedule…'}).click();
    await dialog.getByLabel('Not before').fill('2099-01-02T03:04:05');
    await dialog.getByRole('button', {name: 'Reschedule: copy as command'}).click();
    await page.getByRole('menuitem', {name: 'Copy as pawl'}).click();
    const pawl = await page.evaluate(() => navigator.clipboard.readText());
    await dialog.getByRole('button', {name: 'Leave it'}).click();
    const {execFileSync} = await import('node:child_process');
    const {bin} = await import('./harness.mjs');
    execFileSync('sh', ['-c', pawl], {stdio: 'ignore', env: {...process.env, PATH: `${bin}:${process.env.PATH}`}});
    const moved = await broker.job(id);
    assert.equal(Date.parse(moved.runAt), Date.parse('2099-01-02T03:04:05'));
    await page.locator(`.facts time[datetime="${moved.runAt}"]`).waitFor();
    // One that has passed is now.
    await page.getByRole('button', {name: 'Reschedule…'}).click();
    await dialog.getByLabel('Not before').fill('2020-01-02T03:04:05');
    await dialog.getByText('which has passed').waitFor();
    await dialog.getByRole('button', {name: 'Reschedule', exact: true}).click();
    await page.locator('.page-head .state-pending').waitFor();
    assert.equal((await broker.job(id)).status, 'pending');
  });
});

test('where priorities age, another one is not offered', async () => {
  await broker.call('PUT', '/queues/aged', {priorityAgeingMs: 60_000});
  const id = await broker.submit('aged');
  await withPage(broker, `jobs/${id}`, async (page) => {
    await page.getByRole('button', {name: 'Reschedule…'}).waitFor();
    await eventually(async () => (await page.getByRole('button', {name: 'Priority…'}).count()) === 0, 'it is not there');
  });
});

test('a job that waits gets another priority and is served by it', async () => {
  const [first, second] = await broker.submitMany('another-priority', 2);
  await withPage(broker, `jobs/${second}`, async (page) => {
    await page.getByRole('button', {name: 'Priority…'}).click();
    const dialog = page.getByRole('dialog', {name: 'Change this job’s priority'});
    await dialog.getByLabel('Priority, −1000 to 1000').fill('1001');
    assert.ok(await dialog.getByRole('button', {name: 'Change', exact: true}).isDisabled());
    await dialog.getByLabel('Priority, −1000 to 1000').fill('7');
    await dialog.getByRole('button', {name: 'Change: copy as command'}).click();
    await page.getByRole('menuitem', {name: 'Copy as curl'}).click();
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^curl -fsS -X PATCH/);
    await dialog.getByRole('button', {name: 'Change', exact: true}).click();
    await page.locator('.facts dt:text-is("Priority") + dd', {hasText: /^7$/}).waitFor();
    assert.equal((await broker.job(second)).priority, 7);
    const served = await broker.lease('another-priority', {max: 2});
    assert.deepEqual(served.map(({jobId}) => jobId), [second, first]);
    await page.locator('.page-head .state-active').waitFor();
    assert.equal(await page.getByRole('button', {name: /…$/}).count(), 0, 'a running job is not changed');
  });
});

test('a pending job is cancelled at once, an active one by its worker', async () => {
  const waits = await broker.submit('stop');
  await withPage(broker, `jobs/${waits}`, async (page) => {
    await page.getByRole('button', {name: 'Cancel', exact: true}).click();
    await page.locator('.page-head .state-cancelled').waitFor();
  });
  const id = await broker.submit('stop');
  const [job] = await broker.lease('stop');
  await withPage(broker, `jobs/${id}`, async (page) => {
    await page.getByRole('button', {name: 'Ask to cancel', exact: true}).click();
    await page.getByText('cancel requested').waitFor();
    assert.equal((await broker.heartbeat(job)).cancelRequested, true);
  });
});

test('delete asks first and says how many', async () => {
  const id = await broker.submit('gone');
  await withPage(broker, `jobs/${id}`, async (page) => {
    await page.getByRole('button', {name: 'Delete', exact: true}).click();
    const dialog = page.getByRole('dialog', {name: 'Delete this job?'});
    await dialog.getByText('1 job').waitFor();
    assert.equal((await broker.job(id)).status, 'pending');
    await dialog.getByRole('button', {name: 'Delete', exact: true}).click();
    await page.waitForURL('**/ui/jobs');
    assert.equal((await broker.answer('GET', `/jobs/${id}`)).status, 404);
  });
});

test('every action can be copied as a command, and the command works', async () => {
  const [id] = await broker.bury('copied', 1, {type: 'X', message: 'y'});
  await withPage(broker, `jobs/${id}`, async (page) => {
    await page.getByRole('button', {name: 'Retry: copy as command'}).click();
    await page.getByRole('menuitem', {name: 'Copy as curl'}).click();
    const curl = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(curl, /^curl -fsS -X POST/);
    const {execFileSync} = await import('node:child_process');
    execFileSync('sh', ['-c', curl], {stdio: 'ignore'});
    assert.equal((await broker.job(id)).status, 'pending');
    await page.getByRole('button', {name: 'Delete: copy as command'}).click();
    await page.getByRole('menuitem', {name: 'Copy as pawl'}).click();
    const pawl = await page.evaluate(() => navigator.clipboard.readText());
    const {bin} = await import('./harness.mjs');
    execFileSync('sh', ['-c', pawl], {stdio: 'ignore', env: {...process.env, PATH: `${bin}:${process.env.PATH}`}});
    assert.equal((await broker.answer('GET', `/jobs/${id}`)).status, 404);
  });
});

test('a refusal is a toast with title, detail, type and request id, and all of it can be copied', async () => {
  const id = await broker.submit('refused');
  await withPage(broker, `jobs/${id}`, async (page) => {
    await page.getByRole('button', {name: 'Cancel', exact: true}).waitFor();
    await page.route('**/cancel', async (route) => {
      await broker.call('DELETE', `/jobs/${id}`);
      await route.continue();
    });
    const refused = page.waitForResponse('**/cancel');
    await page.getByRole('button', {name: 'Cancel', exact: true}).click();
    const {requestId} = await (await refused).json();
    assert.match(requestId, /^[0-9a-z]{8}-[0-9a-z]+$/);
    assert.equal((await refused).headers()['x-request-id'], requestId);
    const toast = page.locator('.toast.bad');
    await toast.waitFor();
    const problem = await (await broker.answer('POST', `/jobs/${id}/cancel`)).json();
    await toast.getByText(problem.title).waitFor();
    if (problem.detail) await toast.getByText(problem.detail).waitFor();
    await toast.getByText(problem.type).waitFor();
    await toast.getByText(requestId).waitFor();
    await toast.getByRole('button', {name: 'Copy the error'}).click();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    for (const part of [problem.title, problem.detail ?? '', problem.type, requestId, `/jobs/${id}/cancel`]) assert.ok(copied.includes(part), part);
    await toast.getByRole('button', {name: 'Dismiss'}).click();
    await toast.waitFor({state: 'detached'});
  });
});

test('a real worker’s job is seen from start to end', async () => {
  const id = await broker.submit('worked', {payload: {hello: 'world'}});
  await withPage(broker, `jobs/${id}`, async (page) => {
    await page.locator('.page-head .state-pending').waitFor();
    const worker = startWorker(broker, 'worked', 'cat');
    await page.locator('.page-head .state-completed').waitFor();
    await page.getByRole('region', {name: 'result'}).getByText('"world"').waitFor();
    await worker.end();
  });
});

test('a job that is no more says so', async () => {
  await withPage(broker, 'jobs/01a21a00-0000-7000-8000-000000000000', (page) => page.getByRole('heading', {name: 'There is no such job'}).waitFor());
});
