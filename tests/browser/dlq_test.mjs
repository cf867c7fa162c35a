// Dead letters: what failed for good, replayed or purged one by one, selected, filtered or all, at a pace.
import assert from 'node:assert/strict';

import {before, eventually, numberIn, startBroker, startWorker, test, withPage} from './harness.mjs';

let broker;
before(async () => {
  broker = await startBroker();
});

const half = (i) => (i % 2 ? {type: 'Timeout', message: `no answer ${i}`} : {type: 'BadInput', message: `bad ${i}`});

test('the list of dead letter queues has the API’s numbers and leads to each', async () => {
  await broker.bury('first', 7, half);
  await broker.bury('second', 2, half);
  await withPage(broker, 'dlq', async (page) => {
    for (const [queue, number] of [['first', 7], ['second', 2]]) {
      const row = page.locator('tr', {has: page.getByRole('rowheader', {name: queue})});
      await eventually(async () => (await numberIn(row.getByRole('cell').first())) === number, `${number} of ${queue}`);
    }
    await page.getByRole('link', {name: 'first'}).click();
    await page.waitForURL('**/ui/dlq/first');
    await eventually(async () => (await page.locator('tr[data-job]').count()) === 7, 'seven rows');
  });
});

test('replay of those that match: the count is the matching jobs’, and only they run again', async () => {
  await broker.bury('some', 9, half);
  await withPage(broker, 'dlq/some?error=Timeout', async (page) => {
    await eventually(async () => (await page.locator('tr[data-job]').count()) === 4, 'four rows');
    await page.locator('.page-head').getByRole('button', {name: 'Replay…'}).click();
    const dialog = page.getByRole('dialog');
    await eventually(async () => (await numberIn(dialog.locator('[data-count]'))) === 4, 'four');
    await dialog.getByRole('button', {name: 'Replay 4', exact: true}).click();
    await page.getByText('4 jobs replayed.').waitFor();
    const {counts} = await broker.queue('some');
    assert.equal(counts.pending, 4);
    assert.equal(counts.failed, 5);
  });
});

test('replay of a selection takes just those', async () => {
  const ids = await broker.bury('picked', 5, half);
  await withPage(broker, 'dlq/picked', async (page) => {
    await page.getByLabel(`Select ${ids[1]}`).check();
    await page.getByLabel(`Select ${ids[3]}`).check();
    await page.getByRole('button', {name: 'Replay 2', exact: true}).click();
    await page.getByText('2 jobs replayed.').waitFor();
    for (const [index, id] of ids.entries()) assert.equal((await broker.job(id)).status, index === 1 || index === 3 ? 'pending' : 'failed');
  });
});

test('a replay at a pace goes on in the broker, shows how far it is, over a restart, and can be stopped', async () => {
  const own = await startBroker();
  await own.bury('paced', 300, half);
  await withPage(own, 'dlq/paced', async (page) => {
    await page.locator('.page-head').getByRole('button', {name: 'Replay…'}).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Jobs a second').fill('20');
    await dialog.getByText('takes about 15 s').waitFor();
    await dialog.getByRole('button', {name: 'Replay 300', exact: true}).click();
    const panel = page.getByRole('region', {name: 'Operation'});
    await panel.getByText(/running/).waitFor();
    await page.waitForURL(/operation=/);
    const before = await numberIn(panel.getByRole('status'));
    await eventually(async () => (await numberIn(panel.getByRole('status'))) > before, 'it goes on');
    await own.end();
    await own.start();
    const later = (await own.get('/bulk')).operations[0];
    assert.equal(later.state, 'running');
    await page.reload();
    await panel.getByText(/running/).waitFor();
    await panel.getByRole('button', {name: 'Stop', exact: true}).click();
    await panel.getByText(/cancelled/).waitFor();
    const {counts} = await own.queue('paced');
    assert.ok(counts.failed > 0 && counts.pending > 0, JSON.stringify(counts));
    assert.equal(counts.failed + counts.pending, 300);
  });
  await withPage(own, 'operations', async (page) => {
    const row = page.locator('tr[data-operation]').first();
    await row.getByText('replay').waitFor();
    await row.getByText('cancelled').waitFor();
    const {operations: [operation]} = await own.get('/bulk');
    assert.equal(await numberIn(row.getByRole('cell').nth(3)), operation.done);
  });
});

test('purge wants the exact number typed', async () => {
  await broker.bury('purged', 6, half);
  await withPage(broker, 'dlq/purged', async (page) => {
    await page.locator('.page-head').getByRole('button', {name: 'Purge…'}).click();
    const dialog = page.getByRole('dialog');
    const go = dialog.getByRole('button', {name: 'Purge 6', exact: true});
    await go.waitFor();
    assert.ok(await go.isDisabled());
    await dialog.getByLabel(/Type 6/).fill('5');
    assert.ok(await go.isDisabled());
    await dialog.getByLabel(/Type 6/).fill('6');
    await go.click();
    await page.getByText('6 jobs purged.').waitFor();
    assert.equal((await broker.queue('purged')).counts.failed, 0);
    await page.getByRole('heading', {name: 'No dead letters'}).waitFor();
  });
});

test('a replay goes to its own queue, which stands there, or to another', async () => {
  const ids = await broker.bury('moved', 4, half);
  await broker.call('PUT', '/queues/moved-repaired', {});
  await withPage(broker, 'dlq/moved', async (page) => {
    await page.getByRole('button', {name: 'Replay…'}).first().click();
    const dialog = page.getByRole('dialog');
    const go = dialog.getByRole('button', {name: 'Replay 4', exact: true});
    const into = dialog.getByLabel('In queue');
    assert.equal(await into.inputValue(), 'moved');
    await into.fill('nowhere');
    await dialog.getByText('there is no such queue').waitFor();
    assert.ok(await go.isDisabled());
    await into.fill('moved-repaired');
    await dialog.getByRole('button', {name: 'Replay 4: copy as command'}).click();
    await page.getByRole('menuitem', {name: 'Copy as pawl'}).click();
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^pawl dlq replay moved --into moved-repaired/);
    await go.click();
    await page.getByText('4 jobs replayed.').waitFor();
    const {jobs} = await broker.get('/jobs?queue=moved-repaired');
    assert.deepEqual(jobs.flatMap(({tags}) => tags).sort(), ids.map((id) => `moved-from:${id}`).sort());
    assert.equal((await broker.queue('moved')).counts.failed, 0);
    // Who has the old address comes to the job that goes on.
    const next = jobs.find(({tags}) => tags.includes(`moved-from:${ids[0]}`));
    await page.goto(`${broker.url}/ui/jobs/${ids[0]}`);
    await page.getByText('It was moved and runs in').waitFor();
    await page.locator(`main a[href$="/jobs/${next.jobId}"]`).click();
    await page.locator('.id-line', {hasText: next.jobId}).waitFor();
  });
});

test('ten thousand failures are three causes, with the API’s counts, and a cause narrows the list', async () => {
  const own = await startBroker();
  const kinds = [
    (i) => ({type: 'Timeout', message: `no answer from 10.0.0.${i % 250} after ${i} ms`}),
    (i) => ({type: 'BadInput', message: `field ${i} is missing`}),
    () => ({type: 'Gone', message: 'the bucket does not exist'}),
  ];
  await own.bury('many', 10_000, (i) => kinds[i % 10 < 6 ? 0 : i % 10 < 9 ? 1 : 2](i));
  await withPage(own, 'dlq/many', async (page) => {
    const rows = page.locator('tr[data-cause]');
    await eventually(async () => (await rows.count()) === 3, 'three causes');
    const {groups} = await own.get('/queues/many/dlq/groups');
    assert.equal(groups.reduce((sum, {count}) => sum + count, 0), 10_000);
    for (const {fingerprint, count, type, sample} of groups) {
      const row = page.locator(`tr[data-cause="${fingerprint}"]`);
      assert.equal(await numberIn(row.getByRole('cell').first()), count);
      await row.getByText(type, {exact: true}).waitFor();
      await row.getByText(sample).waitFor();
    }
    await page.getByRole('button', {name: 'Gone', exact: true}).click();
    await page.waitForURL(/cause=[0-9a-f]{16}/);
    await eventually(async () => (await page.locator('tr[data-job]').allInnerTexts()).every((row) => row.includes('Gone')) && (await page.locator('tr[data-job]').count()) > 0, 'only these');
    await page.reload();
    await page.getByText('of one cause').waitFor();
  });
});

test('a cause is replayed with care: some first, and it stops when they fail again', async () => {
  const own = await startBroker();
  await own.bury('careful', 60, (i) => (i % 3 ? {type: 'Still', message: `broken ${i}`} : {type: 'Fixed', message: `was ${i}`}));
  const worker = startWorker(own, 'careful', 'exit 65', '--concurrency', '4');
  await withPage(own, 'dlq/careful', async (page) => {
    const {groups} = await own.get('/queues/careful/dlq/groups');
    const still = groups.find(({type}) => type === 'Still');
    const row = page.locator(`tr[data-cause="${still.fingerprint}"]`);
    await row.getByRole('button', {name: 'Replay…'}).click();
    const dialog = page.getByRole('dialog');
    await eventually(async () => (await numberIn(dialog.locator('[data-count]'))) === still.count, 'its count');
    await dialog.getByLabel('So many first').fill('5');
    await dialog.getByLabel('Stop when more fail again, in %').fill('20');
    await dialog.getByRole('button', {name: `Replay ${still.count}: copy as command`}).click();
    await page.getByRole('menuitem', {name: 'Copy as pawl'}).click();
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /^pawl dlq replay careful --fingerprint [0-9a-f]{16} --canary 5 --stop-on-failure-rate 0\.2/);
    await dialog.getByRole('button', {name: `Replay ${still.count}`, exact: true}).click();
    await eventually(async () => (await own.get('/bulk')).operations[0]?.state === 'stopped', 'the broker stops it');
    const {operations: [operation]} = await own.get('/bulk');
    assert.deepEqual([operation.done, operation.failed, operation.canary], [5, 5, 5]);
    await page.goto(`${own.url}/ui/operations`);
    const shown = page.locator('tr[data-operation]').first();
    await shown.getByText('stopped').waitFor();
    await shown.getByText(/5 failed again/).waitFor();
  });
  await worker.end();
});

test('an operation is paused, waits over a restart, and is resumed', async () => {
  const own = await startBroker();
  await own.bury('waiting', 200, half);
  await own.call('POST', '/queues/waiting/dlq/replay', {all: true, perSecond: 5}, {'x-pawl-actor': 'ada'});
  await withPage(own, 'operations', async (page) => {
    const row = page.locator('tr[data-operation]').first();
    await row.getByRole('button', {name: 'Pause', exact: true}).click();
    await row.getByText('paused', {exact: true}).waitFor();
    await own.end();
    await own.start();
    const before = (await own.get('/bulk')).operations[0];
    assert.equal(before.state, 'paused');
    assert.equal(before.actor, 'ada', 'who started it, not who paused it');
    await row.getByRole('cell', {name: 'ada', exact: true}).waitFor();
    await page.locator('[data-freshness=live]').waitFor();
    await row.getByRole('button', {name: 'Resume', exact: true}).click();
    await row.getByText('running', {exact: true}).waitFor();
    await eventually(async () => (await own.get('/bulk')).operations[0].done > before.done, 'it goes on');
  });
});

test('a cause is purged as a whole, its count typed', async () => {
  await broker.bury('cleared', 8, half);
  await withPage(broker, 'dlq/cleared', async (page) => {
    const row = page.locator('tr[data-cause]', {hasText: 'BadInput'});
    await row.getByRole('button', {name: 'Purge…'}).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel(/Type 4/).fill('4');
    await dialog.getByRole('button', {name: 'Purge 4', exact: true}).click();
    await page.getByText('4 jobs purged.').waitFor();
    await row.waitFor({state: 'detached'});
    assert.equal((await broker.queue('cleared')).counts.failed, 4);
  });
});
