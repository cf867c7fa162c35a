// How the dashboard is served, that it works where a proxy puts it, and that nothing anybody writes into a job runs in it.
import assert from 'node:assert/strict';
import http from 'node:http';
import zlib from 'node:zlib';

import {eventually, openPage, startBroker, startProxy, test, withPage} from './harness.mjs';

/// As it goes over the wire: fetch() would unpack it.
function raw(url, {method = 'GET', headers = {}} = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, {method, headers}, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve({status: response.statusCode, headers: response.headers, body: Buffer.concat(parts)}));
    });
    request.on('error', reject);
    request.end();
  });
}

async function script(broker) {
  const page = (await raw(`${broker.url}/ui/`)).body.toString();
  return `${broker.url}/ui/${/src="\.\/(assets\/main-[^"]+\.js)"/.exec(page)[1]}`;
}

test('the policy lets nothing in from elsewhere and no inline script', async () => {
  const broker = await startBroker();
  for (const where of ['/ui/', '/ui/jobs', '/ui/jobs/some-id', '/ui/icon.svg']) {
    const {status, headers} = await raw(broker.url + where);
    assert.equal(status, 200);
    assert.equal(headers['content-security-policy'], "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    assert.equal(headers['x-content-type-options'], 'nosniff');
  }
});

test('/ and /ui lead to /ui/; what does not exist below it is a problem, not a page', async () => {
  const broker = await startBroker();
  for (const where of ['/', '/ui']) {
    const {status, headers} = await raw(broker.url + where);
    assert.equal(status, 302);
    assert.equal(new URL(headers.location, broker.url + where).pathname, '/ui/');
  }
  for (const where of ['/ui/assets/none.js', '/ui/a/b/c/d/e', '/ui/../version']) assert.notEqual((await raw(broker.url + where)).headers['content-type'], 'text/html; charset=utf-8');
  assert.equal((await raw(`${broker.url}/ui/assets/none.js`)).status, 404);
});

test('files come packed as the client takes them, with a tag for each form, and 304 when they are known', async () => {
  const broker = await startBroker();
  const url = await script(broker);
  const plain = await raw(url);
  const gzip = await raw(url, {headers: {'accept-encoding': 'gzip'}});
  const brotli = await raw(url, {headers: {'accept-encoding': 'gzip, deflate, br'}});
  assert.equal(plain.headers['content-encoding'], undefined);
  assert.equal(gzip.headers['content-encoding'], 'gzip');
  assert.equal(brotli.headers['content-encoding'], 'br');
  assert.deepEqual(zlib.gunzipSync(gzip.body), plain.body);
  assert.deepEqual(zlib.brotliDecompressSync(brotli.body), plain.body);
  assert.ok(brotli.body.length < gzip.body.length && gzip.body.length < plain.body.length / 2);
  assert.equal(new Set([plain, gzip, brotli].map(({headers}) => headers.etag)).size, 3);
  for (const {headers} of [plain, gzip, brotli]) {
    assert.equal(headers.vary, 'Accept-Encoding');
    assert.match(headers['cache-control'], /immutable/);
  }
  assert.equal((await raw(url, {headers: {'accept-encoding': 'br;q=0, gzip'}})).headers['content-encoding'], 'gzip');
  const known = await raw(url, {headers: {'accept-encoding': 'br', 'if-none-match': brotli.headers.etag}});
  assert.equal(known.status, 304);
  assert.equal(known.body.length, 0);
  assert.equal((await raw(url, {headers: {'accept-encoding': 'br', 'if-none-match': gzip.headers.etag}})).status, 200);
  const page = await raw(`${broker.url}/ui/`);
  assert.equal(page.headers['cache-control'], 'no-cache');
  const head = await raw(url, {method: 'HEAD'});
  assert.equal(head.status, 200);
  assert.equal(head.body.length, 0);
  assert.equal(Number(head.headers['content-length']), plain.body.length);
});

test('it works below any prefix of a proxy', async () => {
  const broker = await startBroker();
  const [id] = await broker.submitMany('prefixed', 2);
  const base = await startProxy(broker, {prefix: '/tools/pawl'});
  const page = await openPage(broker, '', {base});
  await page.getByRole('rowheader', {name: 'prefixed'}).waitFor();
  await page.getByRole('link', {name: 'prefixed'}).first().click();
  await page.waitForURL('**/tools/pawl/ui/queues/prefixed');
  await page.reload();
  await page.getByRole('heading', {name: 'prefixed', exact: true}).waitFor();
  await page.goto(`${base}/ui/jobs/${id}`);
  await page.locator('.page-head .state-pending').waitFor();
  const [job] = await broker.lease('prefixed');
  await page.locator('.page-head .state-active').waitFor();
  await broker.heartbeat(job, {progress: 55});
  await page.getByText('55 %').waitFor();
  await page.getByRole('button', {name: 'Ask to cancel', exact: true}).click();
  await page.getByText('cancel requested').waitFor();
  await page.goto(base + '/');
  await page.waitForURL('**/tools/pawl/ui/');
  assert.deepEqual(page.sins, []);
  await page.context().close();
});

test('a broker with a token shows nothing before it, and keeps it for the tab', async () => {
  const broker = await startBroker({token: 'a-token-of-some-length-0123456789'});
  await broker.submit('secret-queue');
  await withPage(broker, '', async (page) => {
    await page.getByRole('heading', {name: 'This broker asks for a token'}).waitFor();
    assert.equal(await page.getByText('secret-queue').count(), 0);
    await page.getByLabel('Token').fill('wrong');
    await page.getByRole('button', {name: 'Go on'}).click();
    await page.getByText('The last one was not right.').waitFor();
    await page.getByLabel('Token').fill(broker.token);
    await page.getByRole('button', {name: 'Go on'}).click();
    await page.getByRole('rowheader', {name: 'secret-queue'}).waitFor();
    await page.reload();
    await page.getByRole('rowheader', {name: 'secret-queue'}).waitFor();
    const {jobs: [job]} = await broker.get('/jobs?queue=secret-queue');
    await page.goto(`${broker.url}/ui/jobs/${job.jobId}`);
    await page.getByRole('button', {name: 'Cancel: copy as command'}).click();
    await page.getByRole('menuitem', {name: 'Copy as curl'}).click();
    const curl = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(curl, /\$PAWL_TOKEN/);
    assert.ok(!curl.includes(broker.token), 'the token itself is never copied');
    const [leased] = await broker.lease('secret-queue');
    await page.locator('.page-head .state-active').waitFor();
    await broker.complete(leased);
    await page.locator('.page-head .state-completed').waitFor();
  });
});

const attacks = [
  '<script>document.title="owned"</script>', '<img src=x onerror="document.title=\'owned\'">', '"><svg onload=document.title="owned">', "';document.title='owned';//", 'javascript:document.title="owned"',
  '</pre></textarea><iframe srcdoc="<script>parent.document.title=\'owned\'</script>">', '{{constructor.constructor("document.title=\'owned\'")()}}', '\u202Egnp.exe', '<a href="javascript:alert(1)">x</a>',
];

test('what attackers write into payloads, errors, tags, groups, workers, logs, reasons and messages stays text', async () => {
  const broker = await startBroker();
  const all = attacks.join(' ');
  await broker.submitMany('xss', attacks.length, (i) => ({payload: {[attacks[i]]: attacks[i], all}, tags: [attacks[i]], group: attacks[i], uniqueKey: attacks[i], maxAttempts: 1}));
  const ids = [];
  for (const attack of attacks) {
    const [job] = await broker.lease('xss', {worker: attack.replace(/[^\x20-\x7e]/g, '').slice(0, 100)});
    ids.push(job.jobId);
    await broker.heartbeat(job, {progress: 3, message: attack});
    await broker.log(job, attack, all);
    await broker.fail(job, {type: attack, message: attack, stack: all});
  }
  const held = await broker.submit('xss', {tags: [attacks[0]]});
  const [running] = await broker.lease('xss', {worker: attacks[1]});
  assert.equal(running.jobId, held);
  await broker.heartbeat(running, {progress: 50, message: attacks[1]});
  await broker.submit('xss-done').then(async () => broker.complete((await broker.lease('xss-done'))[0], {html: all}));
  await broker.submit('xss-paused');
  await broker.call('POST', '/queues/xss-paused/pause', {reason: attacks[1]});
  await broker.submit('xss-groups', {group: attacks[0]});
  await broker.call('POST', '/queues/xss-groups/groups/pause', {group: attacks[0], reason: attacks[1]});
  await broker.call('PUT', '/schedules/xss', {queue: 'xss', cron: '0 0 * * *', payload: {all}, tags: [attacks[0]]});
  const {jobs: [done]} = await broker.get('/jobs?queue=xss-done');
  // A worker of the attacker's, on a connection that stays: what it says of itself is shown too.
  const stays = await openPage(broker, '');
  await stays.evaluate((text) => new Promise((resolve, reject) => {
    globalThis.worker = new WebSocket(`ws://${location.host}/worker`, 'pawl.worker.v1');
    worker.onopen = () => worker.send(JSON.stringify({type: 'hello', workerId: text, host: text, version: text, queues: [{queue: 'xss-worked'}], credit: 0}));
    worker.onmessage = ({data}) => (JSON.parse(data).type === 'welcome' ? resolve() : reject(new Error(data)));
    worker.onerror = () => reject(new Error('no connection'));
  }), attacks[0]);
  assert.equal((await broker.get('/workers')).workers.find(({workerId}) => workerId === attacks[0]).host, attacks[0]);
  const places = ['', 'jobs', 'dlq/xss', 'workers', 'queues/xss-worked', 'queues/xss', 'queues/xss-paused', 'queues/xss-groups', 'schedules', 'schedules/xss', 'operations', `jobs/${held}`, `jobs/${done.jobId}`, `enqueue?from=${ids[0]}`, ...ids.map((id) => `jobs/${id}`),
    `jobs?q=${encodeURIComponent(attacks[1])}`, `jobs?q=${encodeURIComponent('tag:"' + attacks[0] + '"')}`, `dlq/xss?error=${encodeURIComponent(attacks[1])}`, `queues/${encodeURIComponent('<img src=x onerror=alert(1)>')}`, `?find=${encodeURIComponent(attacks[1])}`];
  const page = await openPage(broker, '');
  for (const place of places) {
    await page.goto(`${broker.url}/ui/${place}`);
    await page.locator('main h1').waitFor({state: 'attached'});
    await page.waitForTimeout(250);
    assert.doesNotMatch(await page.title(), /^owned$/, place);
    const strange = await page.evaluate(() => [...document.querySelectorAll('main script, main iframe, main img, main [onerror], main [onload], main a[href^="javascript:"]')].map((element) => element.outerHTML));
    assert.deepEqual(strange, [], place);
  }
  await page.goto(`${broker.url}/ui/jobs/${ids[0]}`);
  for (const part of ['.error-box', '.json', '.logs']) await page.locator(part, {hasText: part === '.json' ? '<img src=x onerror=' : attacks[0]}).first().waitFor();
  assert.deepEqual(page.sins, []);
  await page.context().close();
});

test('one stream for all tabs of a browser', async () => {
  const broker = await startBroker();
  const ids = await broker.submitMany('tabs', 3);
  const page = await openPage(broker, `jobs/${ids[0]}`);
  const others = [];
  for (const id of ids.slice(1)) {
    const other = await page.context().newPage();
    await other.goto(`${broker.url}/ui/jobs/${id}`);
    others.push(other);
  }
  for (const one of [page, ...others]) await one.locator('.page-head .state-pending').waitFor();
  const streams = async () => Number(/^pawl_event_streams?\S* (\d+)/m.exec(await (await broker.answer('GET', '/metrics')).text())?.[1] ?? NaN);
  const seen = await streams();
  if (!Number.isNaN(seen)) await eventually(async () => (await streams()) <= 1, 'at most one stream');
  await broker.lease('tabs', {max: 3});
  for (const one of [page, ...others]) await one.locator('.page-head .state-active').waitFor();
  await page.context().close();
});
