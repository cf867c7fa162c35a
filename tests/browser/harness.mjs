// The real broker, the real `pawl work`, and Debian's chromium looking at the real dashboard. Nothing is stubbed.
import assert from 'node:assert/strict';
import {spawn} from 'node:child_process';
import {once} from 'node:events';
import http from 'node:http';
import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync, openSync, closeSync} from 'node:fs';
import {createRequire} from 'node:module';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import nodeTest, {after, before as nodeBefore} from 'node:test';
import {setTimeout as sleep} from 'node:timers/promises';
import {fileURLToPath} from 'node:url';

export const here = path.dirname(fileURLToPath(import.meta.url));
export const source = path.resolve(here, '../..');
export const bin = path.resolve(process.env.PAWL_BIN ?? path.join(source, 'build/release/bin'));
const modules = path.resolve(process.env.PAWL_NODE_MODULES ?? path.join(source, 'web-ui/node_modules'));
export const require = createRequire(path.join(modules, 'index.js'));
export const {chromium} = require('playwright-core');
const axePath = require.resolve('axe-core/axe.min.js');
const chromiumPath = process.env.PAWL_CHROMIUM ?? '/usr/bin/chromium';

/// Nothing waits for ever: what hangs fails by its name.
const patience = 120_000;
export const test = (name, ...rest) => nodeTest(name, {timeout: patience, ...(rest.length > 1 ? rest[0] : {})}, rest.at(-1));
export const before = (run, {timeout = patience} = {}) => nodeBefore(run, {timeout});

export const folder = mkdtempSync(path.join(os.tmpdir(), 'pawl-browser-'));
const cleanups = [];
after(async () => {
  for (const clean of cleanups.reverse()) await clean();
  rmSync(folder, {recursive: true, force: true});
}, {timeout: patience});

/// Asks until the answer is true; for what can only be seen from outside.
export async function eventually(condition, what = 'the condition', seconds = 15) {
  const deadline = Date.now() + seconds * 1000;
  let last;
  for (;;) {
    try {
      const found = await condition();
      if (found) return found;
      last = found;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`${what} did not come true within ${seconds} s: ${last}`);
    await sleep(50);
  }
}

export class Broker {
  constructor({token, args = [], data} = {}) {
    this.token = token;
    this.data = data ?? mkdtempSync(path.join(folder, 'data-'));
    this.args = args;
    this.listen = '127.0.0.1:0';
    this.logPath = this.data + '.log';
  }

  async start() {
    const log = openSync(this.logPath, 'a');
    const environment = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('PAWL_')));
    if (this.token) environment.PAWL_TOKEN = this.token;
    this.process = spawn(path.join(bin, 'pawld'), ['--data', this.data, '--listen', this.listen, ...this.args], {stdio: ['ignore', 'pipe', log], env: environment});
    closeSync(log);
    const lines = readline.createInterface({input: this.process.stdout});
    const late = AbortSignal.timeout(patience / 2);
    const [line] = await Promise.race([once(lines, 'line', {signal: late}), once(this.process, 'exit').then(() => { throw new Error(readFileSync(this.logPath, 'utf8')); })]);
    assert.match(line, /^pawld ready http:/);
    this.url = line.replace('pawld ready ', '');
    this.listen = new URL(this.url).host;
    return this;
  }

  async end(signal = 'SIGKILL') {
    if (!this.process || this.process.exitCode !== null || this.process.signalCode) return;
    this.process.kill(signal);
    await once(this.process, 'exit');
  }

  async answer(method, where, body, headers = {}) {
    const fields = {...headers};
    if (body !== undefined) fields['content-type'] = 'application/json';
    if (this.token) fields.authorization = `Bearer ${this.token}`;
    return fetch(this.url + where, {method, headers: fields, body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body), signal: AbortSignal.timeout(patience / 2)});
  }

  /// The answer's JSON; anything but a 2xx fails the test.
  async call(method, where, body, headers) {
    const response = await this.answer(method, where, body, headers);
    const text = await response.text();
    assert.ok(response.ok, `${method} ${where}: ${response.status} ${text}`);
    return text ? JSON.parse(text) : null;
  }

  get = (where) => this.call('GET', where);
  queue = (name) => this.get(`/queues/${name}`);
  job = (id) => this.get(`/jobs/${id}`);

  async submit(queue, more = {}) {
    return (await this.call('POST', '/jobs', {queue, ...more})).jobId;
  }

  async submitMany(queue, number, each = () => ({})) {
    const ids = [];
    for (let from = 0; from < number; from += 1000) {
      const jobs = Array.from({length: Math.min(1000, number - from)}, (_, i) => ({queue, ...each(from + i)}));
      ids.push(...(await this.call('POST', '/jobs/batch', {jobs})).jobs.map(({jobId}) => jobId));
    }
    return ids;
  }

  async lease(queue, {worker = 'hand', max = 1} = {}) {
    return (await this.call('POST', `/queues/${queue}/lease`, {workerId: worker, max, waitMs: 2000})).jobs;
  }

  complete = ({jobId, leaseId}, result = null) => this.call('POST', `/jobs/${jobId}/complete`, {leaseId, result});
  fail = ({jobId, leaseId}, error, more = {}) => this.call('POST', `/jobs/${jobId}/fail`, {leaseId, error, ...more});
  log = ({jobId, leaseId}, ...lines) => this.call('POST', `/jobs/${jobId}/logs`, {leaseId, lines});
  heartbeat = ({jobId, leaseId}, more = {}) => this.call('POST', `/jobs/${jobId}/heartbeat`, {leaseId, ...more});

  /// Dead letters: `number` jobs that failed for good.
  async bury(queue, number, error, each = () => ({})) {
    const ids = await this.submitMany(queue, number, (i) => ({maxAttempts: 1, ...each(i)}));
    for (let left = number; left > 0;) {
      const jobs = await this.lease(queue, {max: Math.min(100, left)});
      assert.ok(jobs.length > 0);
      await Promise.all(jobs.map((job, i) => this.fail(job, typeof error === 'function' ? error(i) : error)));
      left -= jobs.length;
    }
    return ids;
  }
}

export async function startBroker(options) {
  const broker = await new Broker(options).start();
  cleanups.push(() => broker.end());
  return broker;
}

/// A proxy before the broker that serves it below `prefix`. `hears` gets each answer's headers, then its parts as they come, none
/// of them packed. Gives the address to open.
export async function startProxy(broker, {prefix = '', hears} = {}) {
  const target = new URL(broker.url);
  const server = http.createServer((request, response) => {
    if (!request.url.startsWith(prefix + '/')) {
      response.writeHead(404).end();
      return;
    }
    const headers = {...request.headers, host: target.host, ...(hears ? {'accept-encoding': 'identity'} : {}), ...(request.headers.origin ? {origin: broker.url} : {})};
    const onward = http.request({host: target.hostname, port: target.port, method: request.method, path: request.url.slice(prefix.length), headers}, (answer) => {
      hears?.(JSON.stringify(answer.headers));
      if (hears) answer.on('data', (part) => hears(part.toString('latin1')));
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => { server.closeAllConnections(); server.close(); });
  return `http://127.0.0.1:${server.address().port}${prefix}`;
}

/// A worker as users run it: `pawl work QUEUE --exec COMMAND`.
export function startWorker(broker, queue, command, ...more) {
  const child = spawn(path.join(bin, 'pawl'), ['work', queue, '--exec', command, '--url', broker.url, ...more], {stdio: 'ignore'});
  const end = async () => {
    if (child.exitCode !== null || child.signalCode) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  cleanups.push(end);
  return {end};
}

let browser;
async function theBrowser() {
  if (browser) return browser;
  browser = await chromium.launch({
    executablePath: chromiumPath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  cleanups.push(() => browser.close());
  return browser;
}

export const sizes = {desk: {width: 1280, height: 800}, phone: {width: 390, height: 844}};

/// A page that notes what must not happen: requests that leave the origin, scripts that fail, dialogs.
export async function openPage(broker, where = '', {theme = 'light', size = 'desk', base = broker.url, ...more} = {}) {
  const context = await (await theBrowser()).newContext({viewport: sizes[size], colorScheme: theme, timezoneId: 'UTC', locale: 'en-GB', reducedMotion: 'reduce', ...more});
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], {origin: new URL(base).origin}).catch(() => {});
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const sins = [];
  const origin = new URL(base).origin;
  context.on('request', (request) => {
    const url = new URL(request.url());
    if (!['data:', 'blob:'].includes(url.protocol) && url.origin !== origin) sins.push(`request to ${request.url()}`);
  });
  page.on('pageerror', (error) => sins.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) sins.push(message.text());
  });
  page.on('dialog', (dialog) => {
    sins.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.sins = sins;
  await page.goto(`${base}/ui/${where}`);
  return page;
}

export async function closePage(page) {
  await page.context().close();
  assert.deepEqual(page.sins, []);
}

/// Opens a page, hands it to `use`, closes it and checks that it did not sin.
export async function withPage(broker, where, use, options) {
  const page = await openPage(broker, where, options);
  try {
    await use(page);
  } catch (error) {
    await page.screenshot({path: path.join(process.env.PAWL_SHOTS ?? os.tmpdir(), `pawl-failed-${Date.now()}.png`)}).catch(() => {});
    if (page.sins.length > 0) error.message += `\nand the page sinned: ${page.sins.join('\n')}`;
    throw error;
  }
  await closePage(page);
}

const axeSource = readFileSync(axePath, 'utf8');
/// What axe finds of WCAG 2.2 AA, one line each.
export async function axeViolations(page) {
  await page.evaluate(axeSource);
  const {violations} = await page.evaluate(() => globalThis.axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}));
  return violations.map(({id, help, nodes}) => `${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160) + ' ' + (node.any[0]?.message ?? '')).join(' | ')}`);
}

/// The number in an element's text: "1,234" → 1234
export async function numberIn(locator) {
  const text = await locator.innerText();
  return Number(text.replaceAll(',', '').match(/-?\d+(\.\d+)?/)?.[0] ?? NaN);
}

export function writeFile(name, text) {
  const file = path.join(folder, name);
  writeFileSync(file, text);
  return file;
}

export {existsSync, sleep};
