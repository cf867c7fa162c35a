// Values that the broker keeps from people: no answer that the browser gets has them, and no form sends the mask.
import assert from 'node:assert/strict';

import {before, eventually, startBroker, startProxy, test, withPage} from './harness.mjs';

const secret = 's3cr3t';
const payload = {to: 'someone', password: `${secret}-1`, user: {card: {number: `${secret}-2`, kind: 'debit'}}};

let broker;
let base; // a proxy's, which hears also what a shared worker or a stream reads
const heard = [];
before(async () => {
  broker = await startBroker({args: ['--redact', 'password,user.card.number']});
  base = await startProxy(broker, {hears: (part) => heard.push(part)});
});

const look = (where, use) => withPage(broker, where, use, {base});

test('no answer that the browser gets has a value that is redacted', async () => {
  const id = await broker.submit('vault', {payload});
  const [dead] = await broker.bury('vault-dead', 1, {type: 'Broken', message: 'it broke'}, () => ({payload}));
  await broker.call('PUT', '/schedules/nightly', {queue: 'vault', cron: '0 0 1 1 *', payload});
  await broker.call('PUT', '/triggers/paid', {event: 'paid', queue: 'vault', match: {'user.card.number': `${secret}-2`}});
  await look(`jobs/${id}`, async (page) => {
    const view = page.getByRole('region', {name: 'payload'});
    await view.getByText('with values redacted by the broker').waitFor();
    assert.equal(await view.getByText('"[redacted]"').count(), 2);
    await view.getByText('"debit"').waitFor();
    await view.getByRole('button', {name: 'Raw'}).click();
    await view.getByText('"password":"[redacted]"').waitFor();
    await view.getByRole('button', {name: 'Copy the payload'}).click();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), JSON.stringify(payload).replaceAll(/"s3cr3t-\d"/g, '"[redacted]"'));
    // Live, by the stream of all tabs.
    const [job] = await broker.lease('vault');
    assert.deepEqual(job.payload, payload);
    await page.locator('.page-head .state-active').waitFor();
    await broker.heartbeat(job, {progress: 40, message: 'half'});
    await page.getByText('40 %').waitFor();
    await broker.complete(job, {password: `${secret}-3`, sent: true});
    await page.locator('.page-head .state-completed').waitFor();
    const result = page.getByRole('region', {name: 'result'});
    await result.getByText('"[redacted]"').waitFor();
    await result.getByText('true').waitFor();
  });
  for (const place of ['', 'jobs', `jobs?q=${secret}`, 'jobs?q=payload.password:x%20queue:vault', 'dlq', 'dlq/vault-dead', `jobs/${dead}`, 'queues/vault', 'workers', 'schedules', 'schedules/nightly', 'operations', 'workflows', 'limits', 'audit', `enqueue?from=${id}`]) {
    await look(place, async (page) => {
      await page.locator('main h1').waitFor({state: 'attached'});
      await page.waitForTimeout(250);
    });
  }
  const text = heard.join('');
  assert.ok(text.includes('"password":"[redacted]"') && text.includes('"redacted":true'));
  assert.ok(text.includes('event: progress') || text.includes('"kind":"progress"') || text.includes('"progress":40'), 'the stream was heard too');
  assert.ok(!text.includes(secret.slice(0, 6) + '-'), text.slice(Math.max(0, text.indexOf(secret + '-') - 300), text.indexOf(secret + '-') + 40));
});

test('edit and run again refuses the mask, says why, and takes a value in its place', async () => {
  const id = await broker.submit('edited', {payload});
  await look(`enqueue?from=${id}`, async (page) => {
    const form = page.getByRole('form', {name: 'The job'});
    const run = form.getByRole('button', {name: 'Run as a new job'});
    await form.getByText(/The broker hides values of this job: write one in place of each "\[redacted\]"/).waitFor();
    assert.ok(await run.isDisabled());
    assert.equal(await page.getByRole('region', {name: 'The same as a command'}).count(), 0, 'nor as a command');
    const text = form.getByLabel('Payload, as JSON');
    const half = (await text.inputValue()).replace('[redacted]', 'mine-1');
    await text.fill(half);
    assert.ok(await run.isDisabled(), 'one is left');
    await text.fill(half.replace('[redacted]', 'mine-2'));
    await run.click();
    await page.waitForURL(/\/ui\/jobs\/[0-9a-f-]{36}$/);
  });
  const [first, second] = await broker.lease('edited', {max: 2});
  assert.deepEqual(first.payload, payload);
  assert.deepEqual(second.payload, {...payload, password: 'mine-1', user: {card: {number: 'mine-2', kind: 'debit'}}});
});

test('what a job without secrets says is its own business', async () => {
  const id = await broker.submit('literal', {payload: {note: '[redacted]'}});
  await look(`enqueue?from=${id}`, async (page) => {
    const form = page.getByRole('form', {name: 'The job'});
    await form.getByRole('button', {name: 'Run as a new job'}).click();
    await page.waitForURL(/\/ui\/jobs\/[0-9a-f-]{36}$/);
  });
});

test('the form of a schedule does not save the mask', async () => {
  await broker.call('PUT', '/schedules/weekly', {queue: 'edited', cron: '0 0 1 1 *', payload});
  await look('schedules/weekly', async (page) => {
    await page.getByRole('button', {name: 'Edit', exact: true}).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText(/The broker hides values of this payload/).waitFor();
    const save = dialog.getByRole('button', {name: 'Save', exact: true});
    assert.ok(await save.isDisabled());
    await dialog.getByLabel('Payload, as JSON').fill('{"password": "new"}');
    await save.click();
    await dialog.waitFor({state: 'detached'});
  });
  await broker.call('POST', '/schedules/weekly/run');
  const [job] = await eventually(async () => { const jobs = await broker.lease('edited'); return jobs.length ? jobs : null; });
  assert.deepEqual(job.payload, {password: 'new'});
});

test('retry keeps what was hidden', async () => {
  const [id] = await broker.bury('kept', 1, {type: 'Broken', message: 'it broke'}, () => ({payload}));
  await look(`jobs/${id}`, async (page) => {
    await page.getByRole('button', {name: 'Retry', exact: true}).click();
    await page.locator('.page-head .state-pending').waitFor();
  });
  const [job] = await broker.lease('kept');
  assert.deepEqual(job.payload, payload);
});
