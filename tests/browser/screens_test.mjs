// Queues, workers, schedules, workflows, limits: what is shown is the API's, and what is done is done.
import assert from 'node:assert/strict';
import {hostname} from 'node:os';

import {before, eventually, numberIn, startBroker, startWorker, test, withPage} from './harness.mjs';
import {populate} from './samples.mjs';

let broker;
let made;
before(async () => {
  broker = await startBroker();
  made = await populate(broker);
});

test('a queue’s tiles and figures are the API’s', async () => {
  await withPage(broker, 'queues/mail', async (page) => {
    const queue = await broker.queue('mail');
    for (const [status, number] of Object.entries(queue.counts)) {
      await eventually(async () => (await numberIn(page.locator(`.tile[data-state=${status}] b`))) === number, `${status} ${number}`);
    }
    await page.locator('.facts', {hasText: 'at most 20 jobs'}).first().waitFor();
    await page.getByText('100 jobs in 1 s').waitFor();
    assert.match(await page.getByRole('region', {name: 'Figures'}).innerText(), new RegExp(`Completed in all\\s+${queue.lifetimeCompleted}`));
  });
});

test('pause asks for a reason that others see; resume ends it', async () => {
  await broker.submit('halted');
  await withPage(broker, 'queues/halted', async (page) => {
    await page.getByRole('button', {name: 'Pause', exact: true}).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('moving the disk');
    await dialog.getByRole('button', {name: 'Pause', exact: true}).click();
    await page.locator('.page-head', {hasText: 'moving the disk'}).waitFor();
    const queue = await broker.queue('halted');
    assert.deepEqual([queue.paused, queue.pauseReason], [true, 'moving the disk']);
    const [entry] = (await broker.get('/audit?queue=halted&action=pause')).entries;
    await page.locator('.page-head', {hasText: `by ${entry.actor ?? entry.address}, `}).waitFor();
    assert.equal(await page.locator('.page-head time').last().getAttribute('datetime'), entry.at);
    await page.getByRole('button', {name: 'Resume', exact: true}).click();
    await page.getByRole('button', {name: 'Pause', exact: true}).waitFor();
    assert.equal((await broker.queue('halted')).paused, false);
  });
});

test('a group is paused with a reason, others go on, and it is resumed', async () => {
  await broker.submitMany('shared', 6, (i) => ({group: i % 2 ? 'acme corp' : 'globex'}));
  for (const job of await broker.lease('shared', {max: 2})) await broker.complete(job, 1);
  await withPage(broker, 'queues/shared', async (page) => {
    const groups = page.getByRole('region', {name: 'Groups'});
    const row = groups.locator('tr[data-group="acme corp"]');
    await row.waitFor();
    const cells = async () => (await row.locator('td').allInnerTexts()).slice(0, 2);
    assert.deepEqual(await cells(), ['0', '2']);
    await row.getByRole('button', {name: 'Pause', exact: true}).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('their bill');
    await dialog.getByRole('button', {name: 'Pause', exact: true}).click();
    await row.getByText('their bill').waitFor();
    const {groups: [first], total} = await broker.get('/queues/shared/groups');
    assert.deepEqual([first.group, first.paused, first.pauseReason, total], ['acme corp', true, 'their bill', 2]);
    const taken = await broker.lease('shared', {max: 10});
    assert.deepEqual([...new Set(taken.map(({group}) => group))], ['globex']);
    const [entry] = (await broker.get('/audit?queue=shared&action=pause-group')).entries;
    assert.deepEqual([entry.target, entry.detail, entry.outcome], ['acme corp', 'their bill', 'done']);
    await row.getByRole('link', {name: 'acme corp'}).click();
    await page.waitForURL(/group%3A%22acme\+corp%22|group%3A%22acme%20corp%22/);
    await eventually(async () => (await page.locator('main tbody tr').count()) === 3, 'its three jobs');
    await page.goBack();
    await row.getByRole('button', {name: 'Resume', exact: true}).click();
    await row.getByRole('button', {name: 'Pause', exact: true}).waitFor();
    assert.equal((await broker.lease('shared', {max: 10})).length, 2);
  });
});

test('the store: its figures are those of the API, and what retention comes to', async () => {
  await broker.call('PUT', '/queues/kept', {defaults: {retention: {completedMs: 3_600_000, failedMs: null}}});
  await broker.submitMany('kept', 30);
  for (const job of await broker.lease('kept', {max: 30})) await broker.complete(job, 1);
  await withPage(broker, '', async (page) => {
    await page.locator('.health').getByRole('link', {name: 'takes work'}).click();
    await page.waitForURL('**/ui/store');
    const row = page.getByRole('region', {name: 'Records of ended jobs'}).getByRole('row', {name: /^kept /});
    await eventually(async () => /^kept\s+30\s/.test(await row.innerText()), 'thirty are kept');
    // 30 in a minute, each for an hour: 30 / 60 s × 3 600 s.
    await eventually(async () => /\s1,800\s/.test(await row.innerText()), '1 800 will be');
    const {store} = await broker.get('/stats');
    assert.ok(store.diskBytes > 0);
    await page.getByRole('region', {name: 'Disk and commits'}).getByText('takes work').waitFor();
  });
});

test('the API is drawn from the broker’s own description', async () => {
  const document = await broker.get('/openapi.json');
  const calls = Object.values(document.paths).flatMap((item) => Object.keys(item).filter((key) => key !== 'parameters'));
  await withPage(broker, 'api', async (page) => {
    const all = page.locator('main section > details');
    await eventually(async () => (await all.count()) === calls.length, `${calls.length} calls are shown`);
    await page.getByPlaceholder('pause, /jobs, POST…').fill('pausegroup');
    await page.waitForURL(/find=pausegroup/);
    await eventually(async () => (await all.count()) === 1, 'one call is left');
    await all.locator('summary').first().click();
    await page.getByText('Up to 1 000 groups of a queue may be paused.').waitFor();
    const example = await page.locator('.call .code pre').innerText();
    assert.match(example, /curl .*POST .*\/queues\/\{queue\}\/groups\/pause/);
    assert.match(example, /"group":"acme"/);
    // What an answer holds opens step by step, as far as there is something.
    await page.goto(`${broker.url}/ui/api?find=getjob`);
    const call = page.locator('main section > details', {hasText: '/jobs/{jobId} '}).first();
    await call.locator('summary').first().click();
    await call.getByText('history', {exact: true}).first().waitFor();
  });
});

test('cancel all that wait wants the number typed', async () => {
  await broker.submitMany('emptied', 12);
  await withPage(broker, 'queues/emptied', async (page) => {
    await page.getByRole('button', {name: 'Cancel all that wait', exact: true}).click();
    const dialog = page.getByRole('dialog');
    const go = dialog.getByRole('button', {name: 'Cancel all that wait', exact: true});
    assert.ok(await go.isDisabled());
    await dialog.getByLabel(/Type 12/).fill('12');
    await go.click();
    await eventually(async () => (await broker.queue('emptied')).counts.cancelled === 12, 'all are cancelled');
  });
});

test('limits and defaults of a queue are changed, and the broker’s own are told apart', async () => {
  await broker.submit('tuned');
  await withPage(broker, 'queues/tuned', async (page) => {
    await page.getByRole('button', {name: 'Change', exact: true}).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Run at once').fill('7');
    await dialog.getByLabel('Attempts').fill('5');
    await dialog.getByLabel('Lease').fill('2 min');
    await dialog.getByRole('button', {name: 'Save', exact: true}).click();
    await page.getByText('at most 7 jobs').waitFor();
    const {settings} = await broker.queue('tuned');
    assert.deepEqual([settings.maxConcurrency, settings.defaults.maxAttempts, settings.defaults.leaseMs], [7, 5, 120_000]);
    await page.getByRole('button', {name: 'Change', exact: true}).click();
    await dialog.getByLabel('Run at once').fill('');
    await dialog.getByRole('button', {name: 'Save', exact: true}).click();
    await eventually(async () => (await broker.queue('tuned')).settings.maxConcurrency === null, 'no limit');
  });
});

test('workers: who is there, what they hold, and which queue has none', async () => {
  const own = await startBroker();
  await own.submitMany('staffed', 6);
  await own.submitMany('alone', 3);
  startWorker(own, 'staffed', 'sleep 30', '--concurrency', '2', '--worker-id', 'shift-1');
  await eventually(async () => (await own.get('/workers')).workers.some(({workerId}) => workerId === 'shift-1'), 'the worker');
  await withPage(own, 'workers', async (page) => {
    const row = page.locator('tr', {has: page.getByRole('rowheader', {name: 'shift-1'})});
    await row.getByText('connected').waitFor();
    await eventually(async () => {
      const worker = (await own.get('/workers')).workers.find(({workerId}) => workerId === 'shift-1');
      return worker.active.length > 0 && (await numberIn(row.getByRole('cell').nth(4))) === worker.active.length;
    }, 'its jobs');
    await row.getByRole('link', {name: 'staffed'}).waitFor();
    const {host, version, address, roundTripMs} = (await own.get('/workers')).workers.find(({workerId}) => workerId === 'shift-1');
    assert.equal(host, hostname());
    assert.equal(address, '127.0.0.1');
    assert.match(version, /^pawl work \d/);
    assert.ok(roundTripMs > 0 && roundTripMs < 5000, String(roundTripMs));
    await row.getByRole('cell', {name: host, exact: true}).waitFor();
    await row.getByRole('cell', {name: version, exact: true}).waitFor();
    await row.getByRole('cell', {name: /^[\d.]+ ms$/}).waitFor();
    await page.getByText(/alone has no worker; 3 jobs wait/).waitFor();
    assert.equal(await page.getByText(/staffed has no worker/).count(), 0);
  });
});

test('schedules: in words, with the zone and the next five runs of the API', async () => {
  await withPage(broker, 'schedules', async (page) => {
    const row = page.locator('tr[data-schedule=nightly-report]');
    await row.getByText('At 02:30, Monday to Friday').waitFor();
    await row.getByText('Europe/Berlin').waitFor();
    await page.locator('tr[data-schedule=heartbeat]').getByText('Every 15 minutes').waitFor();
    await page.locator('tr[data-schedule=month-end]').getByText('paused').waitFor();
    await row.getByRole('link', {name: 'nightly-report'}).click();
    await page.waitForURL('**/ui/schedules/nightly-report');
    const {nextRuns} = await broker.get('/schedules/nightly-report');
    await eventually(async () => (await page.locator('.runs li').count()) === 5, 'five runs');
    const shown = await page.locator('.runs li time').evaluateAll((all) => all.map((time) => time.dateTime));
    assert.deepEqual(shown, nextRuns);
    await page.getByText(/When clocks change/).waitFor();
  });
});

test('a schedule is run now, paused, resumed, edited and deleted', async () => {
  await broker.call('PUT', '/schedules/handled', {queue: 'handled', cron: '0 4 * * *', maxAttempts: 8, payload: {big: 1}});
  await withPage(broker, 'schedules/handled', async (page) => {
    await page.getByRole('button', {name: 'Run now', exact: true}).click();
    await page.waitForURL(/\/ui\/jobs\//);
    assert.deepEqual((await broker.job(page.url().split('/').pop())).tags, ['schedule:handled']);
    await page.goBack();
    await page.getByRole('button', {name: 'Pause', exact: true}).click();
    await page.locator('.page-head', {hasText: 'paused'}).waitFor();
    await page.getByText('None while it is paused.').waitFor();
    await page.getByRole('button', {name: 'Resume', exact: true}).click();
    await page.getByRole('button', {name: 'Pause', exact: true}).waitFor();
    await page.getByRole('button', {name: 'Edit', exact: true}).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('When', {exact: true}).fill('*/20 8-18 * * *');
    await dialog.getByText(/every 20 minutes/i).waitFor();
    await dialog.getByLabel('Time zone').fill('Asia/Tokyo');
    await dialog.getByRole('button', {name: 'Save', exact: true}).click();
    await dialog.waitFor({state: 'detached'});
    const schedule = await broker.get('/schedules/handled');
    assert.deepEqual([schedule.cron, schedule.timezone, schedule.maxAttempts, schedule.payload], ['*/20 8-18 * * *', 'Asia/Tokyo', 8, {big: 1}]);
    await page.getByRole('button', {name: 'Delete', exact: true}).click();
    await dialog.getByText('the last of them is pending').waitFor();
    await dialog.getByRole('button', {name: 'Delete', exact: true}).click();
    await page.waitForURL('**/ui/schedules');
    assert.equal((await broker.answer('GET', '/schedules/handled')).status, 404);
  });
});

test('a schedule is made by the form; what is no expression is refused by the broker with its words', async () => {
  await withPage(broker, 'schedules', async (page) => {
    await page.getByRole('button', {name: 'New schedule'}).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Id').fill('made-here');
    await dialog.getByLabel('Queue').fill('made');
    await dialog.getByLabel('When', {exact: true}).fill('61 * * * *');
    await dialog.getByRole('button', {name: 'Save', exact: true}).click();
    await page.locator('.toast.bad', {hasText: '/cron'}).waitFor();
    await dialog.getByLabel('When', {exact: true}).fill('90 min');
    await dialog.getByText('Every 90 minutes').waitFor();
    await dialog.getByRole('button', {name: 'Save', exact: true}).click();
    await page.waitForURL('**/ui/schedules/made-here');
    assert.equal((await broker.get('/schedules/made-here')).everyMs, 5_400_000);
  });
});

test('a workflow: list, graph and table agree with the API, and nodes lead to jobs', async () => {
  const {workflowId} = made.workflow;
  await withPage(broker, 'workflows', async (page) => {
    await page.getByRole('link', {name: 'photo'}).click();
    await page.waitForURL(`**/ui/workflows/${workflowId}`);
    const {jobs} = await broker.get(`/workflows/${workflowId}`);
    await page.locator('.node').first().waitFor();
    assert.equal(await page.locator('.node').count(), jobs.length);
    for (const {ref, status, dependsOn} of jobs) {
      await page.locator(`.node[data-ref="${ref}"]`, {hasText: status}).waitFor();
      const row = page.getByRole('row', {name: new RegExp(`^${ref} ${status}`)});
      assert.match(await row.innerText(), new RegExp(dependsOn.join(', ')));
    }
    const left = async (ref) => (await page.locator(`.node[data-ref="${ref}"]`).boundingBox()).x;
    for (const {ref, dependsOn} of jobs) for (const parent of dependsOn) assert.ok((await left(parent)) < (await left(ref)), `${parent} is left of ${ref}`);
    assert.equal(await page.locator('.edge').count(), jobs.reduce((sum, {dependsOn}) => sum + dependsOn.length, 0));
    const running = jobs.find(({status}) => status === 'active');
    await page.locator(`.node[data-ref="${running.ref}"]`).click();
    await page.waitForURL(`**/ui/jobs/${running.jobId}`);
    await page.locator('.facts', {hasText: 'Workflow'}).getByRole('link', {name: running.ref}).waitFor();
  });
});

test('a workflow’s graph changes by itself, and what failed is run again', async () => {
  const {workflowId} = await broker.call('POST', '/workflows', {name: 'chain', jobs: [{ref: 'one', queue: 'chain', maxAttempts: 1}, {ref: 'two', queue: 'chain', dependsOn: ['one']}]});
  await withPage(broker, `workflows/${workflowId}`, async (page) => {
    await page.locator('.node[data-ref=one].state-pending').waitFor();
    const [job] = await broker.lease('chain');
    await page.locator('.node[data-ref=one].state-active').waitFor();
    await broker.fail(job, {type: 'Oh', message: 'no'});
    await page.locator('.node[data-ref=one].state-failed').waitFor();
    await page.getByRole('button', {name: 'Retry what failed', exact: true}).click();
    await page.locator('.node[data-ref=one].state-pending').waitFor();
    await page.getByRole('button', {name: 'Cancel', exact: true}).click();
    await page.getByRole('dialog').getByText('2 jobs').waitFor();
    await page.getByRole('dialog').getByRole('button', {name: 'Cancel', exact: true}).click();
    await page.locator('.page-head .state-cancelled').waitFor();
  });
});

test('limits: shown, made, changed, deleted', async () => {
  await withPage(broker, 'limits', async (page) => {
    await page.locator('tr', {hasText: 'payments-api'}).getByText('500 jobs in 1 min').waitFor();
    await page.getByRole('button', {name: 'New limit'}).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name').fill('fresh');
    await dialog.getByLabel('Jobs at once').fill('3');
    await dialog.getByRole('button', {name: 'Save', exact: true}).click();
    const row = page.locator('tr', {hasText: 'fresh'});
    await row.waitFor();
    assert.equal((await broker.get('/limits/fresh')).concurrency, 3);
    await row.getByRole('button', {name: 'Edit'}).click();
    await dialog.getByLabel('Jobs that start').fill('10');
    await dialog.getByLabel('within').fill('5s');
    await dialog.getByRole('button', {name: 'Save', exact: true}).click();
    await row.getByText('10 jobs in 5 s').waitFor();
    assert.deepEqual((await broker.get('/limits/fresh')).rate, {max: 10, perMs: 5000, burst: null});
    await row.getByRole('button', {name: 'Delete', exact: true}).click();
    await dialog.getByRole('button', {name: 'Delete', exact: true}).click();
    await row.waitFor({state: 'detached'});
    assert.equal((await broker.answer('GET', '/limits/fresh')).status, 404);
  });
});

test('a queue’s running jobs under a limit are counted', async () => {
  await broker.submitMany('under', 3, () => ({limits: ['gpu']}));
  await broker.lease('under', {max: 2});
  await withPage(broker, 'limits', async (page) => {
    const row = page.locator('tr', {hasText: 'gpu'});
    await eventually(async () => (await numberIn(row.getByRole('cell').first())) === 2, 'two run');
  });
});
