// A million jobs: the screens are as quick as with ten, and their numbers are exact.
import assert from 'node:assert/strict';

import {before, eventually, numberIn, startBroker, test, withPage} from './harness.mjs';

const number = 1_000_000;
const batch = 5000;
let broker;

before(async () => {
  broker = await startBroker();
  let next = 0;
  const submitter = async () => {
    while (next < number) {
      const from = next;
      next += batch;
      const jobs = Array.from({length: batch}, (_, i) => ({queue: 'bulk', name: (from + i) % 10 ? 'common' : 'rare', payload: {n: from + i}}));
      await broker.call('POST', '/jobs/batch', {jobs});
    }
  };
  await Promise.all([submitter(), submitter(), submitter(), submitter()]);
}, {timeout: 400_000});

const rows = (page) => page.locator('tr[data-job]');

test('the counts are exact and a page of fifty comes in under 100 ms', async () => {
  await withPage(broker, 'jobs', async (page) => {
    await eventually(async () => (await numberIn(page.locator('.tabs [data-state=pending] .num'))) === number, 'a million');
    await eventually(async () => (await rows(page).count()) === 50, 'fifty rows');
    const searchFor = async (words) => {
      await page.getByLabel('Search jobs').fill(words);
      await page.getByLabel('Search jobs').press('Enter');
    };
    // The list refreshes itself beside: only the answer to what was asked for counts.
    const took = async (asked, act) => {
      const first = await rows(page).first().getAttribute('data-job');
      const isIt = (url) => url.pathname === '/jobs' && asked(url.searchParams);
      const [request] = await Promise.all([page.waitForEvent('requestfinished', (one) => isIt(new URL(one.url()))), act()]);
      const {responseEnd, requestStart} = request.timing();
      await eventually(async () => (await rows(page).count()) > 0 && (await rows(page).first().getAttribute('data-job')) !== first, 'other rows');
      return responseEnd - requestStart;
    };
    // The quicker of several tells what a page costs; the others what else the machine does.
    const times = {};
    for (let round = 0; round < 5; round++) {
      for (const [what, asked, act] of [
        ['oldest first', (q) => q.get('order') === 'oldest', () => page.getByLabel('Order').selectOption('oldest')],
        ['the next page', (q) => q.has('cursor'), () => page.getByRole('button', {name: 'Next page'}).click()],
        ['a name', (q) => q.get('name') === 'rare', () => searchFor('name:rare')],
        ['a name and a state, the newest', (q) => q.get('order') === 'newest', () => page.getByLabel('Order').selectOption('newest')],
        ['all', (q) => q.get('status') === 'pending', () => searchFor('state:pending')],
      ]) (times[what] ??= []).push(await took(asked, act));
    }
    for (const [what, all] of Object.entries(times)) {
      console.log(`${what}: ${all.map(Math.round).join(', ')} ms`);
      assert.ok(Math.min(...all) < 100, `${what} took ${all.map(Math.round)} ms`);
    }
  });
});

test('a hundred thousand delayed jobs by when they are due: a page in under 100 ms', async () => {
  for (let from = 0; from < 100_000; from += batch)
    await broker.call('POST', '/jobs/batch', {jobs: Array.from({length: batch}, (_, i) => ({queue: 'later', delayMs: 3_600_000 + ((from + i) * 7919) % 1_000_000}))});
  const times = [];
  let cursor = '';
  // Each page twice: the quicker tells what it costs.
  for (let page = 0; page < 10; page++) {
    const path = `/jobs?status=delayed&order=due&limit=50${cursor}`;
    await broker.get(path);
    const begun = performance.now();
    const {jobs, nextCursor} = await broker.get(path);
    times.push(performance.now() - begun);
    assert.equal(jobs.length, 50);
    const due = jobs.map(({runAt}) => runAt);
    assert.deepEqual(due, [...due].sort());
    cursor = `&cursor=${nextCursor}`;
  }
  console.log(`due first: ${times.map(Math.round).join(', ')} ms`);
  assert.ok(times.sort((a, b) => a - b)[5] < 100, times.join());
});

test('the overview shows a million, and a paced operation over all of them says how far it is', async () => {
  await withPage(broker, '', async (page) => {
    const row = page.locator('tr', {has: page.getByRole('rowheader', {name: 'bulk'})});
    await eventually(async () => (await row.getByRole('cell').first().innerText()) === '1,000,000', 'the count, with its digits grouped');
    await broker.call('POST', '/bulk', {filter: {queue: 'bulk', status: ['pending']}, action: 'cancel', perSecond: 100});
    await page.goto(`${broker.url}/ui/operations`);
    const operation = page.locator('tr[data-operation]', {hasText: 'cancel'});
    await operation.getByText('running').waitFor();
    await eventually(async () => (await numberIn(operation.getByRole('cell').nth(3))) > 0, 'some are done', 60);
    await operation.getByRole('button', {name: 'Stop', exact: true}).click();
    await operation.getByText('cancelled', {exact: true}).waitFor();
  });
});
