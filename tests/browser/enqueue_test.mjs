// The form that submits a job, the same as programs, and a job edited and run again.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';

import {before, bin, eventually, source, startBroker, test, withPage, writeFile} from './harness.mjs';

let broker;
before(async () => {
  broker = await startBroker();
  await broker.submit('snippets');
});

async function fill(page, fields) {
  const form = page.getByRole('form', {name: 'The job'});
  for (const [label, value] of Object.entries(fields)) await form.getByLabel(label, {exact: true}).fill(value);
  return form;
}

test('what the form holds is what the broker keeps', async () => {
  await withPage(broker, 'enqueue', async (page) => {
    const form = await fill(page, {
      Queue: 'formed', Name: 'thing', 'Payload, as JSON': '{"n": 12345678901234567890}', Delay: '2h', Priority: '5', Attempts: '9', Group: 'tenant 1', Tags: 'eu, trial', 'Unique key': 'k-1',
    });
    await form.getByRole('button', {name: 'Enqueue', exact: true}).click();
    await page.waitForURL(/\/ui\/jobs\/[0-9a-f-]{36}$/);
    const id = page.url().split('/').pop();
    const text = await (await broker.answer('GET', `/jobs/${id}`)).text();
    const job = JSON.parse(text);
    assert.deepEqual([job.queue, job.name, job.status, job.priority, job.maxAttempts, job.group, job.uniqueKey], ['formed', 'thing', 'delayed', 5, 9, 'tenant 1', 'k-1']);
    assert.deepEqual(job.tags, ['eu', 'trial']);
    assert.match(text, /12345678901234567890/);
    assert.ok(Math.abs(Date.parse(job.runAt) - Date.parse(job.createdAt) - 7_200_000) < 10);
  });
});

test('what is no JSON is said with its place, and not sent', async () => {
  await withPage(broker, 'enqueue?queue=formed', async (page) => {
    const form = await fill(page, {'Payload, as JSON': '{"a": 1,\n "b": }'});
    await form.getByText(/No JSON: .* line 2, column \d+/).waitFor();
    assert.ok(await form.getByRole('button', {name: 'Enqueue', exact: true}).isDisabled());
  });
});

test('the broker’s refusal names the field', async () => {
  await withPage(broker, 'enqueue', async (page) => {
    const form = await fill(page, {Queue: 'not a name!'});
    await form.getByRole('button', {name: 'Enqueue', exact: true}).click();
    await page.locator('.toast.bad', {hasText: '/queue'}).waitFor();
  });
});

const awkward = '{"quote":"it\'s \\"so\\" $HOME `x` \\\\","umlaut":"ä€","n":9007199254740993,"raw":")json\\""}';
const runs = {
  curl: (text) => execFileSync('sh', ['-c', text], {encoding: 'utf8'}),
  pawl: (text) => execFileSync('sh', ['-c', text], {encoding: 'utf8', env: {...process.env, PATH: `${bin}:${process.env.PATH}`}}),
  TypeScript: (text) => execFileSync(process.execPath, [writeFile('snippet.mjs', text)], {encoding: 'utf8'}),
  Python: (text) => execFileSync('python3', [writeFile('snippet.py', text)], {encoding: 'utf8'}),
};
for (const [language, run] of Object.entries(runs)) {
  test(`the ${language} snippet runs and submits the same job`, async () => {
    await withPage(broker, 'enqueue', async (page) => {
      await fill(page, {Queue: 'snippets', Name: 'said', 'Payload, as JSON': awkward, Priority: '3', Tags: `of, ${language}`});
      await page.getByRole('button', {name: language, exact: true}).click();
      const before = (await broker.get('/jobs?queue=snippets')).jobs.length;
      const text = await page.getByLabel(`the ${language} snippet`, {exact: true}).textContent();
      run(text);
      const {jobs} = await broker.get('/jobs?queue=snippets');
      assert.equal(jobs.length, before + 1);
      const kept = await (await broker.answer('GET', `/jobs/${jobs[0].jobId}`)).text();
      assert.deepEqual([jobs[0].name, jobs[0].priority, jobs[0].tags], ['said', 3, ['of', language]]);
      assert.deepEqual(JSON.parse(kept).payload, JSON.parse(awkward));
      assert.match(kept, /9007199254740993/);
    });
  });
}

test('the C++ snippet compiles against libpawl’s headers', async () => {
  await withPage(broker, 'enqueue', async (page) => {
    await fill(page, {Queue: 'snippets', Name: 'said', 'Payload, as JSON': awkward, Priority: '3', Delay: '5s', Attempts: '2', Group: 'g "1"', Tags: 'a, b', 'Unique key': 'u'});
    await page.getByRole('button', {name: 'C++', exact: true}).click();
    const text = await page.getByLabel('the C++ snippet', {exact: true}).textContent();
    execFileSync(process.env.PAWL_CXX ?? 'g++', ['-std=c++23', '-fsyntax-only', '-Wall', '-Werror', '-I', `${source}/client/include`, writeFile('snippet.cpp', text)], {stdio: 'pipe'});
  });
});

test('edit and run again: all is filled in, the difference is shown, both jobs lead to each other', async () => {
  const [id] = await broker.bury('edited', 1, {type: 'Wrong', message: 'bad size'}, () => ({name: 'resize', payload: {image: 'a.png', size: 10}, priority: 4, tags: ['eu'], group: 'g', leaseMs: 60_000}));
  await withPage(broker, `jobs/${id}`, async (page) => {
    await page.getByRole('link', {name: 'Edit and run again'}).click();
    await page.waitForURL(`**/ui/enqueue?from=${id}`);
    const form = page.getByRole('form', {name: 'The job'});
    const payload = form.getByLabel('Payload, as JSON');
    await eventually(async () => (await payload.inputValue()).includes('"size": 10'), 'the payload');
    assert.equal(await form.getByLabel('Priority').inputValue(), '4');
    await page.getByText('Nothing yet: the new job is the same.').waitFor();
    await payload.fill('{"image": "a.png", "size": 20}');
    const diff = page.getByRole('region', {name: 'What differs'});
    await diff.locator('.removed', {hasText: '"size": 10'}).waitFor();
    await diff.locator('.added', {hasText: '"size": 20'}).waitFor();
    await form.getByRole('button', {name: 'Run as a new job'}).click();
    await page.waitForURL(/\/ui\/jobs\/[0-9a-f-]{36}$/);
    const copy = page.url().split('/').pop();
    assert.notEqual(copy, id);
    const job = await broker.job(copy);
    assert.deepEqual(job.payload, {image: 'a.png', size: 20});
    assert.deepEqual([job.name, job.priority, job.group, job.leaseMs, job.maxAttempts], ['resize', 4, 'g', 60_000, 1]);
    assert.equal((await broker.job(id)).status, 'failed', 'the first one stays as it was');
    await page.locator('.facts', {hasText: 'Copied from'}).getByTitle(id).click();
    await page.waitForURL(`**/ui/jobs/${id}`);
    await page.locator('.facts', {hasText: 'Copied to'}).getByTitle(copy).waitFor();
  });
});
