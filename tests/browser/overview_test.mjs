// The overview: numbers are the API's, what needs somebody is said, empty says what to do, old data is called old.
import assert from 'node:assert/strict';

import {eventually, numberIn, startBroker, startWorker, test, withPage} from './harness.mjs';
import {populate} from './samples.mjs';

test('every number of the queue table is the API’s', async () => {
  const broker = await startBroker();
  await populate(broker);
  startWorker(broker, 'thumbnails', 'sleep 30', '--concurrency', '2');
  await eventually(async () => (await broker.queue('thumbnails')).counts.active === 4, 'the worker holds its jobs');
  await withPage(broker, '', async (page) => {
    await page.getByRole('table').waitFor();
    const {queues} = await broker.get('/queues?limit=1000');
    assert.ok(queues.length >= 7);
    for (const {queue} of queues) {
      const cells = page.locator('tr', {has: page.getByRole('rowheader', {name: new RegExp(`^${queue}(\\s|$)`)})}).getByRole('cell');
      // Rates move with the clock: both sides are read until they agree.
      await eventually(async () => {
        const {counts, rates, workers} = await broker.queue(queue);
        const shown = [];
        for (const index of [0, 1, 2, 3, 4, 5, 8]) shown.push(await cells.nth(index).innerText());
        const expected = [counts.pending, counts.active, counts.delayed, Math.round(rates.completedPerSecond * 60), Math.round(rates.failedPerSecond * 60), counts.failed].map((value) => value.toLocaleString('en'));
        expected.push(String(workers));
        return shown.join() === expected.join() || Promise.reject(new Error(`${queue}: ${shown} instead of ${expected}`));
      }, `the row of ${queue}`);
    }
    const oldest = page.locator('tr', {has: page.getByRole('rowheader', {name: 'video'})}).getByRole('cell').nth(6);
    assert.match(await oldest.innerText(), /\d+(\.\d)? (s|ms|min)/);
  });
});

test('the drain estimate is the backlog divided by the net pace', async () => {
  const broker = await startBroker();
  await broker.submitMany('slow', 400);
  for (let i = 0; i < 4; i++) for (const job of await broker.lease('slow', {max: 25})) await broker.complete(job);
  await broker.submitMany('growing', 10);
  await withPage(broker, '', async (page) => {
    const cell = page.locator('tr', {has: page.getByRole('rowheader', {name: 'growing'})}).getByRole('cell').nth(7);
    await cell.getByText('growing').waitFor();
  });
});

test('the strip shows flow, waits, dead letters, disk and store as the API says', async () => {
  const broker = await startBroker();
  await populate(broker);
  await withPage(broker, '', async (page) => {
    const fact = (name) => page.locator('.health .fact', {hasText: name}).locator('dd');
    await eventually(async () => (await numberIn(fact('dead letters'))) === (await broker.queue('mail')).counts.failed, 'dead letters');
    assert.match(await fact('disk free').innerText(), /^\d+(\.\d)? (GiB|MiB|TiB)$/);
    assert.equal(await fact('store').innerText(), 'takes work');
    assert.match(await fact('wait p95').innerText(), /\d/);
    assert.match(await fact('run p95').innerText(), /\d/);
    assert.match(await fact('in').first().innerText(), /\/s$/);
  });
});

test('a disk below the floor turns the strip and the overview red', async () => {
  const broker = await startBroker({args: ['--store-free-space-floor-bytes', '1000GiB']});
  await withPage(broker, '', async (page) => {
    await page.locator('.health .alarm', {hasText: 'disk nearly full'}).waitFor();
  });
});

test('without queues it teaches, and the commands that it shows work', async () => {
  const broker = await startBroker();
  await withPage(broker, '', async (page) => {
    await page.getByRole('heading', {name: 'No queues yet'}).waitFor();
    const curl = await page.getByLabel('the command that submits a job', {exact: true}).innerText();
    const {execFileSync} = await import('node:child_process');
    execFileSync('sh', ['-c', curl], {stdio: 'ignore'});
    await page.getByRole('rowheader', {name: 'hello'}).waitFor();
    await page.getByText(/1 job of hello waits, and no worker asks for it/).waitFor();
  });
});

test('when nothing needs anybody it says so in one line', async () => {
  const broker = await startBroker();
  const id = await broker.submit('calm');
  const [job] = await broker.lease('calm');
  await broker.complete(job);
  assert.equal((await broker.job(id)).status, 'completed');
  await withPage(broker, '', (page) => page.getByText('Nothing needs you').waitFor());
  await withPage(broker, 'dlq', (page) => page.getByRole('heading', {name: 'No dead letters'}).waitFor());
});

test('a broker that is killed is called gone, its data old, and it comes back by itself', async () => {
  const broker = await startBroker();
  await broker.submitMany('steady', 3);
  await withPage(broker, '', async (page) => {
    const chip = page.locator('[data-freshness]');
    await page.locator('[data-freshness=live]').waitFor();
    await broker.end();
    await page.locator('[data-freshness=reconnecting]').waitFor();
    await page.getByText(/reconnecting · data \d+ s old/).waitFor();
    assert.ok(await page.getByRole('rowheader', {name: 'steady'}).isVisible(), 'what was known stays on the screen');
    await broker.start();
    await page.locator('[data-freshness=live]').waitFor();
    await broker.submitMany('steady', 4);
    await eventually(async () => (await numberIn(page.locator('tr', {has: page.getByRole('rowheader', {name: 'steady'})}).getByRole('cell').first())) === 7, 'the new count');
    assert.equal(await chip.getAttribute('data-freshness'), 'live');
  });
});

test('the broker’s clock is shown, and the zone can be changed', async () => {
  const broker = await startBroker();
  await broker.submit('clock');
  await withPage(broker, '', async (page) => {
    const clock = page.locator('.clock');
    await eventually(async () => /^\d\d:\d\d:\d\d local$/.test(await clock.innerText()), 'local time');
    const shown = await clock.innerText();
    const [h, m, s] = shown.split(' ')[0].split(':').map(Number);
    const broken = Math.abs((h * 3600 + m * 60 + s) - ((Date.now() / 1000) % 86400));
    assert.ok(broken < 5 || broken > 86395, `${shown} is not the broker's time`);
    await clock.click();
    await page.getByText('UTC').first().waitFor();
    await page.reload();
    await eventually(async () => /UTC$/.test(await clock.innerText()), 'it is remembered');
  }, {timezoneId: 'UTC'});
});

test('the chart draws the points of the API, and its range is in the address', async () => {
  const broker = await startBroker();
  for (let i = 0; i < 5; i++) {
    await broker.submitMany('drawn', 40);
    for (const job of await broker.lease('drawn', {max: 40})) await broker.complete(job);
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
  await withPage(broker, '', async (page) => {
    await page.locator('.chart svg').first().waitFor();
    await page.getByRole('button', {name: '1 h'}).click();
    await page.waitForURL(/range=3600/);
    await page.reload();
    assert.equal(await page.getByRole('button', {name: '1 h'}).getAttribute('aria-pressed'), 'true');
  });
});
