// The list of jobs: tabs with exact counts, search, selection, live rows that stay where they are.
import assert from 'node:assert/strict';

import {before, eventually, numberIn, startBroker, test, withPage} from './harness.mjs';
import {populate} from './samples.mjs';

let broker;
before(async () => {
  broker = await startBroker();
  await populate(broker);
});

const rows = (page) => page.locator('tr[data-job]');
const idsOf = (page) => rows(page).evaluateAll((all) => all.map((row) => row.dataset.job));

test('each tab has the exact count and lists what the API lists', async () => {
  const {queues} = await broker.get('/queues?limit=1000');
  await withPage(broker, 'jobs', async (page) => {
    for (const state of ['pending', 'active', 'delayed', 'blocked', 'stalled', 'completed', 'failed', 'cancelled']) {
      const tab = page.locator(`.tabs [data-state=${state}]`);
      const expected = queues.reduce((sum, {counts}) => sum + counts[state], 0);
      await eventually(async () => (await numberIn(tab.locator('.num'))) === expected, `${state}: ${expected}`);
      await tab.click();
      await page.waitForURL(new RegExp(`state%3A${state}`));
      const {jobs} = await broker.get(`/jobs?status=${state}&limit=50`);
      await eventually(async () => (await idsOf(page)).join() === jobs.map(({jobId}) => jobId).join(), `the list of ${state}`);
    }
  });
});

test('newest or oldest first, pages by cursor, and the back button goes back', async () => {
  await withPage(broker, 'jobs?q=queue%3Amail', async (page) => {
    const newest = (await broker.get('/jobs?queue=mail&limit=50')).jobs.map(({jobId}) => jobId);
    await eventually(async () => (await idsOf(page)).join() === newest.join(), 'the newest fifty');
    await page.getByRole('button', {name: 'Next page'}).click();
    const second = await eventually(async () => { const ids = await idsOf(page); return ids.length > 0 && ids[0] !== newest[0] ? ids : null; }, 'the second page');
    await page.reload();
    await eventually(async () => (await idsOf(page)).join() === second.join(), 'the same page after a reload');
    await page.goBack();
    await eventually(async () => (await idsOf(page)).join() === newest.join(), 'the first page');
    await page.getByLabel('Order').selectOption('oldest');
    const oldest = (await broker.get('/jobs?queue=mail&limit=50&order=oldest')).jobs.map(({jobId}) => jobId);
    await eventually(async () => (await idsOf(page)).join() === oldest.join(), 'the oldest fifty');
  });
});

test('delayed jobs by when they are due, active ones by how long they have run', async () => {
  const delays = [500_000, 100_000, 900_000, 300_000];
  const waiting = await broker.submitMany('timed', 4, (i) => ({delayMs: delays[i]}));
  const running = [];
  await broker.submitMany('timed-runs', 3);
  for (let i = 0; i < 3; i++) running.push((await broker.lease('timed-runs'))[0].jobId);
  await withPage(broker, 'jobs?q=queue%3Atimed', async (page) => {
    const options = () => page.getByLabel('Order').locator('option').allInnerTexts();
    assert.deepEqual(await options(), ['Newest first', 'Oldest first']);
    await page.locator('.tabs [data-state=delayed]').click();
    await page.getByLabel('Order').selectOption('due');
    const byTime = [1, 3, 0, 2].map((i) => waiting[i]);
    await eventually(async () => (await idsOf(page)).join() === byTime.join(), 'the soonest first');
    await page.reload();
    await eventually(async () => (await idsOf(page)).join() === byTime.join(), 'again');
    await page.locator('.tabs [data-state=active]').click();
    assert.deepEqual(await options(), ['Newest first', 'Oldest first', 'Longest running']);
    await page.goto(`${broker.url}/ui/jobs?q=queue%3Atimed-runs+state%3Aactive&order=longest`);
    await eventually(async () => (await idsOf(page)).join() === running.join(), 'the longest first');
  });
  for (const wrong of ['status=pending&order=due', 'order=longest', 'status=delayed,active&order=due'])
    assert.equal((await broker.answer('GET', `/jobs?${wrong}`)).status, 422);
});

const searches = [
  ['queue:video', '/jobs?queue=video'],
  ['state:failed,cancelled', '/jobs?status=failed,cancelled'],
  ['name:invoice', '/jobs?name=invoice'],
  ['group:studio-1', '/jobs?group=studio-1'],
  ['tag:eu', '/jobs?tag=eu'],
  ['error:BadAddress', '/jobs?errorType=BadAddress'],
  ['queue:mail state:failed name:welcome error:SmtpTimeout', '/jobs?queue=mail&status=failed&name=welcome&errorType=SmtpTimeout'],
];
for (const [words, path] of searches) {
  test(`search: ${words}`, async () => {
    const {jobs} = await broker.get(`${path}&limit=50`);
    assert.ok(jobs.length > 0);
    await withPage(broker, 'jobs', async (page) => {
      await page.getByLabel('Search jobs').fill(words);
      await page.getByLabel('Search jobs').press('Enter');
      await eventually(async () => (await idsOf(page)).join() === jobs.map(({jobId}) => jobId).join(), 'the jobs that match');
      await page.reload();
      await eventually(async () => (await idsOf(page)).length === jobs.length, 'the same after a reload');
    });
  });
}

test('an id leads to its job, whatever state that is in', async () => {
  const {jobs: [job]} = await broker.get('/jobs?status=failed&limit=1');
  await withPage(broker, 'jobs', async (page) => {
    await page.getByLabel('Search jobs').fill(job.jobId);
    await page.getByLabel('Search jobs').press('Enter');
    await page.waitForURL(`**/ui/jobs/${job.jobId}`);
    await page.getByRole('heading', {name: job.name, exact: true}).waitFor();
  });
});

test('the search completes qualifiers and values by keyboard', async () => {
  await withPage(broker, 'jobs', async (page) => {
    const field = page.getByLabel('Search jobs');
    await field.fill('sta');
    await page.getByRole('option', {name: /state:/}).waitFor();
    await field.press('ArrowDown');
    await field.press('Enter');
    assert.equal(await field.inputValue(), 'state:');
    await field.pressSequentially('canc');
    await field.press('ArrowDown');
    await field.press('Tab');
    await page.waitForURL(/state%3Acancelled/);
    await field.fill('queue:vid');
    await page.getByRole('option', {name: 'queue:video'}).click();
    await page.waitForURL(/queue%3Avideo/);
  });
});

test('what cannot be searched by is said, not dropped in silence', async () => {
  await withPage(broker, 'jobs?q=colour%3Ablue', (page) => page.locator('.hint', {hasText: 'colour:blue'}).waitFor());
});

test('no match says so and leads back', async () => {
  await withPage(broker, 'jobs?q=name%3Anobody', (page) => page.getByRole('heading', {name: 'No job matches'}).waitFor());
});

test('a row changes where it is, and new jobs are announced and not pushed in', async () => {
  const [one, two] = await broker.submitMany('live', 2);
  await withPage(broker, 'jobs?q=queue%3Alive', async (page) => {
    await eventually(async () => (await idsOf(page)).length === 2, 'two rows');
    const [job] = await broker.lease('live');
    assert.equal(job.jobId, one);
    await page.locator(`tr[data-job="${one}"]`, {hasText: 'active'}).waitFor();
    await broker.heartbeat(job, {progress: 40, message: 'halfway'});
    await page.locator(`tr[data-job="${one}"]`, {hasText: '40 %'}).waitFor();
    await broker.complete(job);
    await page.locator(`tr[data-job="${one}"]`, {hasText: 'completed'}).waitFor();
    assert.deepEqual(await idsOf(page), [two, one], 'no row moved');
    await page.getByLabel(`Select ${two}`).check();
    await broker.submitMany('live', 3);
    await page.getByText('3 new, shown when nothing is selected').waitFor();
    assert.deepEqual(await idsOf(page), [two, one], 'frozen while selecting');
    await page.getByRole('button', {name: 'Select none'}).click();
    await page.getByRole('button', {name: '3 new'}).click();
    await eventually(async () => (await idsOf(page)).length === 5, 'the new rows');
  });
});

test('what is selected is in the address: a reload and the back button know it', async () => {
  const ids = await broker.submitMany('picked', 4);
  await withPage(broker, 'jobs?q=queue%3Apicked', async (page) => {
    await page.getByLabel(`Select ${ids[1]}`).check();
    await page.getByLabel(`Select ${ids[3]}`).check();
    assert.deepEqual(new URL(page.url()).searchParams.get('chosen').split(',').sort(), [ids[1], ids[3]].sort());
    await page.reload();
    await page.getByText('2 jobs selected').waitFor();
    assert.ok(await page.getByLabel(`Select ${ids[3]}`).isChecked());
    await page.locator('[data-state=completed]').first().click();
    await page.getByRole('heading', {name: 'No job matches'}).waitFor();
    assert.equal(new URL(page.url()).searchParams.get('chosen'), null);
    await page.goBack();
    await page.getByText('2 jobs selected').waitFor();
    await page.getByRole('button', {name: 'Select none'}).click();
    assert.equal(new URL(page.url()).searchParams.get('chosen'), null);
  });
});

test('a hidden tab asks for nothing', async () => {
  await withPage(broker, 'jobs', async (page) => {
    await rows(page).first().waitFor();
    await page.evaluate(() => {
      Object.defineProperty(document, 'hidden', {get: () => true});
      document.dispatchEvent(new Event('visibilitychange'));
    });
    await page.waitForTimeout(2500);
    let asked = 0;
    page.on('request', () => asked++);
    await page.waitForTimeout(4500);
    assert.equal(asked, 0);
  });
});

test('failed jobs of one queue are replayed together; others are refused with a word', async () => {
  await broker.bury('again', 3, {type: 'Boom', message: 'x'});
  await withPage(broker, 'jobs?q=queue%3Aagain', async (page) => {
    await page.getByLabel('Select all on this page').check();
    await page.getByText('3 jobs selected').waitFor();
    await page.getByRole('button', {name: 'Replay 3', exact: true}).click();
    await page.getByText('3 jobs replayed.').waitFor();
    assert.equal((await broker.queue('again')).counts.pending, 3);
  });
});

test('all that match: the count is said, must be typed, and the broker does it', async () => {
  await broker.submitMany('flood', 230, (i) => ({tags: [i < 30 ? 'old' : 'new']}));
  await withPage(broker, 'jobs?q=queue%3Aflood+tag%3Aold', async (page) => {
    await page.getByRole('button', {name: 'All that match…'}).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('button', {name: 'cancel', exact: true}).click();
    await eventually(async () => (await numberIn(dialog.locator('[data-count]'))) === 30, '30 jobs');
    const go = dialog.getByRole('button', {name: 'Cancel', exact: true});
    assert.ok(await go.isDisabled());
    await dialog.getByLabel(/Type 30/).fill('30');
    await go.click();
    await page.waitForURL('**/ui/operations');
    await page.locator('tr[data-operation]', {hasText: 'cancel'}).filter({hasText: 'tag old'}).waitFor();
    await eventually(async () => (await broker.queue('flood')).counts.cancelled === 30, 'thirty are cancelled');
    assert.equal((await broker.queue('flood')).counts.pending, 200);
  });
});

test('keys: j and k move, x selects, / searches, g d goes, ? helps; none while typing, none when off', async () => {
  await withPage(broker, 'jobs?q=queue%3Avideo', async (page) => {
    await rows(page).first().waitFor();
    const ids = await idsOf(page);
    await page.keyboard.press('j');
    await page.keyboard.press('j');
    await page.keyboard.press('x');
    assert.ok(await page.getByLabel(`Select ${ids[1]}`).isChecked());
    await page.keyboard.press('k');
    assert.ok(await page.locator(`tr[data-job="${ids[0]}"].at`).isVisible());
    await page.keyboard.press('/');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'search');
    await page.keyboard.type(' g d');
    await eventually(async () => / g d$/.test(await page.getByLabel('Search jobs').inputValue()), 'the letters stand in the field');
    assert.match(page.url(), /\/ui\/jobs/);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.keyboard.press('d');
    await page.waitForURL('**/ui/dlq');
    await page.keyboard.press('?');
    const help = page.getByRole('dialog', {name: 'Keyboard'});
    await help.getByLabel('Single keys are shortcuts').uncheck();
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.keyboard.press('q');
    await page.waitForTimeout(300);
    assert.match(page.url(), /\/ui\/dlq/);
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox', {name: /Screen, queue/}).fill('video');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/ui/queues/video');
  });
});
