// What the broker keeps beside the jobs: charts that outlive it, an index that finds jobs by more, who did what.
import assert from 'node:assert/strict';
import {readFileSync} from 'node:fs';

import {before, eventually, numberIn, sleep, startBroker, test, withPage} from './harness.mjs';

const broker = await startBroker();

before(async () => {
  await broker.submit('shop');
  await broker.call('PUT', '/queues/shop', {searchable: ['user.id', 'plan']});
  await broker.submitMany('shop', 120, (i) => ({name: i % 2 ? 'order' : 'refund', tags: [`campaign-${i}`], payload: {user: {id: i}, plan: i % 3 ? 'free' : 'pro', note: i === 77 ? 'needle in the haystack' : 'hay'}}));
  for (const job of await broker.lease('shop', {worker: 'clerk-1', max: 5})) await broker.complete(job);
  const [failing] = await broker.lease('shop', {worker: 'clerk-2'});
  await broker.fail(failing, {type: 'Oops', message: 'the printer is on fire'});
});

const idsOf = (page) => page.locator('tr[data-job]').evaluateAll((all) => all.map((row) => row.dataset.job));

const searches = [
  ['worker:clerk-1', 'worker=clerk-1', 5],
  ['queue:shop attempts:>0', 'queue=shop&attemptsMin=1', 6],
  ['queue:shop attempts:0 state:pending name:order', 'queue=shop&attemptsMin=0&attemptsMax=0&status=pending&name=order', null],
  ['queue:shop payload.user.id:42', 'queue=shop&payload.user.id=42', 1],
  ['queue:shop payload.plan:pro', 'queue=shop&payload.plan=pro', 40],
  ['"needle in the haystack"', `q=${encodeURIComponent('needle in the haystack')}`, 1],
  ['printer error:Oops', 'q=printer&errorType=Oops', 1],
];
for (const [words, query, number] of searches) {
  test(`search: ${words}`, async () => {
    const {jobs} = await broker.get(`/jobs?${query}&limit=50`);
    if (number !== null) assert.equal(jobs.length, number);
    assert.ok(jobs.length > 0);
    await withPage(broker, 'jobs', async (page) => {
      await page.getByRole('link', {name: 'Audit'}).waitFor();
      await page.getByLabel('Search jobs').fill(words);
      await page.getByLabel('Search jobs').press('Enter');
      await eventually(async () => (await idsOf(page)).join() === jobs.map(({jobId}) => jobId).join(), 'the jobs that match');
      await page.reload();
      await eventually(async () => (await idsOf(page)).length === jobs.length, 'the same after a reload');
    });
  });
}

test('search by age: within, before, and the moment it counts from stays in the address', async () => {
  const late = await startBroker();
  // The page is open before the young ones are made: however slow the machine, they are asked for while they are young.
  await withPage(late, 'jobs', async (page) => {
    await page.getByRole('link', {name: 'Audit'}).waitFor();
    const field = page.getByLabel('Search jobs');
    const old = await late.submitMany('aged', 3);
    await sleep(6500);
    const young = await late.submitMany('aged', 2);
    await field.fill('queue:aged created:<6s');
    await field.press('Enter');
    await eventually(async () => (await idsOf(page)).sort().join() === [...young].sort().join(), 'the two young ones');
    await sleep(6500);
    await page.reload();
    await eventually(async () => (await idsOf(page)).length === 2, 'the same after a reload, though they are older now');
    await field.fill('queue:aged created:>6s');
    await field.press('Enter');
    await eventually(async () => (await idsOf(page)).length === 5, 'all are older by now');
    await field.fill(`queue:aged created:>${new Date(Date.now() + 60_000).toISOString()}`);
    await field.press('Enter');
    await page.getByRole('heading', {name: 'No job matches'}).waitFor();
    assert.equal(old.length, 3);
  });
});

test('the beginning of an id finds its job', async () => {
  const {jobs: [job]} = await broker.get('/jobs?queue=shop&limit=1');
  await withPage(broker, 'jobs', async (page) => {
    await page.getByRole('link', {name: 'Audit'}).waitFor();
    await page.getByLabel('Search jobs').fill(`id:${job.jobId.slice(0, 30)}`);
    await page.getByLabel('Search jobs').press('Enter');
    await eventually(async () => (await idsOf(page)).includes(job.jobId), 'the job');
  });
});

test('completion offers values that no row on the page has', async () => {
  await withPage(broker, 'jobs?q=name%3Aorder+state%3Apending', async (page) => {
    await page.getByRole('link', {name: 'Audit'}).waitFor();
    const field = page.getByLabel('Search jobs');
    await field.fill('worker:clerk');
    await page.getByRole('option', {name: 'worker:clerk-2'}).click();
    await page.waitForURL(/worker%3Aclerk-2/);
    await eventually(async () => (await idsOf(page)).length === 1, 'its one job');
  });
});

test('the charts are there again after the broker was killed, and reach back a week', async () => {
  const own = await startBroker();
  await own.submitMany('past', 60);
  for (const job of await own.lease('past', {max: 60})) await own.complete(job);
  await sleep(7000);
  await own.end();
  await own.start();
  await withPage(own, '', async (page) => {
    for (const [name, seconds] of [['5 min', 300], ['1 h', 3600], ['24 h', 86_400], ['7 d', 604_800]]) {
      await page.getByRole('button', {name, exact: true}).click();
      await page.locator(`button[aria-pressed=true]`, {hasText: name}).waitFor();
      const chart = page.locator('[data-chart="Jobs a second"]');
      // Nothing moves any more: what rises above the ground line was kept on disk.
      const rises = async () => {
        const points = await chart.locator('polyline.main').first().getAttribute('points');
        const heights = points.split(' ').map((point) => Number(point.split(',')[1]));
        return Math.min(...heights) < Math.max(...heights);
      };
      if (seconds <= 3600) await eventually(rises, `the past in the chart of ${name}`);
      else await chart.locator('polyline.main').first().waitFor({state: 'attached'});
    }
    await page.getByRole('button', {name: 'Waits, runs, backlog'}).click();
    for (const title of ['Wait', 'Run', 'Backlog']) await page.locator(`[data-chart="${title}"] svg`).waitFor();
    const {points} = await own.get('/stats?seconds=3600');
    assert.equal(points.reduce((sum, {completed}) => sum + completed, 0), 60);
  });
});

test('the audit log says who did what to how many, and what came of it', async () => {
  await broker.bury('told', 3, {type: 'X', message: 'x'});
  await withPage(broker, 'queues/told', async (page) => {
    await page.getByRole('link', {name: 'Audit'}).waitFor();
    await page.getByRole('button', {name: 'Keyboard and help'}).click();
    await page.getByLabel('Your name, for the audit log').fill('anna');
    await page.keyboard.press('Escape');
    await page.getByRole('button', {name: 'Pause', exact: true}).click();
    await page.getByRole('dialog').getByLabel('Reason').fill('a look at it');
    await page.getByRole('dialog').getByRole('button', {name: 'Pause', exact: true}).click();
    await page.locator('.page-head', {hasText: 'a look at it'}).waitFor();
    await page.goto(`${broker.url}/ui/dlq/told`);
    await page.getByLabel('Select all on this page').check();
    await page.getByRole('button', {name: 'Replay 3', exact: true}).click();
    await page.getByText('3 jobs replayed.').waitFor();
    await page.getByRole('link', {name: 'Audit'}).click();
    const row = (action) => page.locator('main tr', {has: page.getByRole('rowheader', {name: action, exact: true})}).filter({hasText: 'told'}).first();
    await row('pause').getByText('anna').waitFor();
    await row('pause').getByText('done').waitFor();
    const retries = page.locator('main tr', {has: page.getByRole('rowheader', {name: 'retry', exact: true})}).filter({hasText: 'told'});
    await eventually(async () => (await retries.count()) === 3, 'a line for each of the three');
    assert.equal(await numberIn(retries.first().getByRole('cell').nth(5)), 1);
    await page.getByLabel('Action').fill('pause');
    await page.getByLabel('Action').press('Tab');
    await page.waitForURL(/action=pause/);
    await retries.first().waitFor({state: 'detached'});
    const {entries} = await broker.get('/audit?action=pause');
    await eventually(async () => (await page.locator('main tbody tr').count()) === entries.length, 'as many as the API has');
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', {name: 'Export'}).click()]);
    const lines = readFileSync(await download.path(), 'utf8').trim().split('\r\n');
    assert.equal(lines.length, entries.length + 1);
    assert.match(lines[1], /"anna"/);
  });
});
