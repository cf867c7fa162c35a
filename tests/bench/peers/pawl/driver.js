'use strict';
// What a Node program gets from Pawl, on the work of the harness at PAWL_PEERS/harness: pawld, driven with Node's own means.
//
// The producer posts with node:http over keep-alive connections; the worker speaks pawl.worker.v1 (docs/worker-protocol.md)
// over Node's WebSocket. Settings:
//   http      every submit is a request of its own
//   gathered  submits made while two calls are under way travel together in the next call (POST /jobs/batch), as libpawl's do
//
// PAWL_PEERS names the folder of the harness, PAWL_BIN that of pawld.
const http = require('node:http');
const path = require('node:path');
const { Server, DATA, sleep, waitPort } = require(path.join(process.env.PAWL_PEERS, 'harness', 'common'));

const PORT = 17711;
const QUEUE = 'bench';
const CONNECTIONS = 64;
const CALLS_MAX = 2; // calls of gathered submits under way
const GATHERED_MAX = 1000;

exports.settings = { http: { n1: 50000, n4: 50000 }, gathered: { n1: 100000, n4: 100000 } };
exports.defaults = { n2: 300000, chunk: 1000, lanes: 2, n3: 200000, concurrency: 1000 };
exports.per = { W4b: { n4: 200000 } };
exports.makeServer = () => new Server(
  path.join(process.env.PAWL_BIN, 'pawld'),
  ['--data', `${DATA}/pawl`, '--listen', `127.0.0.1:${PORT}`, '--log-level', 'warn'],
  `${DATA}/pawl`, PORT, { ready: untilReady });

async function untilReady() {
  for (const end = Date.now() + 60000; Date.now() < end; await sleep(2)) {
    const status = await new Promise(resolve => http.get({ host: '127.0.0.1', port: PORT, path: '/readyz' },
      answer => { answer.resume(); resolve(answer.statusCode); }).on('error', () => resolve(0)));
    if (status === 200) return;
  }
  throw new Error('pawld was not ready within a minute');
}

class Producer {
  constructor() {
    this.agent = new http.Agent({ keepAlive: true, maxSockets: CONNECTIONS, scheduling: 'fifo' });
    this.waiting = [];
    this.calls = 0;
  }

  // Resolves to the broker's answer; rejects unless it is 202.
  post(path, body) {
    return new Promise((resolve, reject) => {
      const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
      const options = { host: '127.0.0.1', port: PORT, method: 'POST', path, agent: this.agent, headers };
      const request = http.request(options, answer => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', part => { text += part; });
        answer.on('error', reject);
        answer.on('end', () => {
          if (answer.statusCode === 202) resolve(JSON.parse(text));
          else reject(new Error(`${path}: ${answer.statusCode} ${text}`));
        });
      });
      request.on('error', reject);
      request.end(body);
    });
  }

  submit(payload) { return this.post('/jobs', JSON.stringify({ queue: QUEUE, payload })); }

  submitBatch(payloads, more) {
    return this.post('/jobs/batch', JSON.stringify({ jobs: payloads.map(payload => ({ queue: QUEUE, payload, ...more })) }));
  }

  gather(payload) {
    return new Promise((resolve, reject) => {
      this.waiting.push({ payload, resolve, reject });
      if (this.waiting.length === 1) setImmediate(() => this.sendGathered());
    });
  }

  sendGathered() {
    while (this.waiting.length && this.calls < CALLS_MAX) {
      const jobs = this.waiting.splice(0, GATHERED_MAX);
      this.calls++;
      this.submitBatch(jobs.map(job => job.payload))
        .then(answer => jobs.forEach((job, i) => job.resolve(answer.jobs[i])), error => jobs.forEach(job => job.reject(error)))
        .finally(() => { this.calls--; this.sendGathered(); });
    }
  }
}

class Worker {
  constructor(credit) {
    this.credit = credit;
    this.verdicts = [];
    this.frames = 0;
  }

  connect() {
    this.socket = new WebSocket(`ws://127.0.0.1:${PORT}/worker`, 'pawl.worker.v1');
    return new Promise((resolve, reject) => {
      this.socket.onopen = resolve;
      this.socket.onerror = event => reject(event.error ?? new Error('no WebSocket'));
    });
  }

  // Sends hello, and completes each job when its handler has returned. settled(n) is told of durable completions.
  run(handler, settled) {
    this.socket.onmessage = message => {
      const frame = JSON.parse(message.data);
      if (frame.type === 'jobs') {
        for (const job of frame.jobs) {
          handler(job.payload);
          this.verdicts.push({ jobId: job.jobId, leaseId: job.leaseId, outcome: 'complete' });
        }
        this.settle();
      } else if (frame.type === 'settled') {
        for (const result of frame.results) if (result.status !== 'completed') throw new Error(JSON.stringify(result));
        settled(frame.results.length);
      } else if (frame.type !== 'welcome') {
        throw new Error(message.data);
      }
    };
    this.say({ type: 'hello', workerId: `node-${process.pid}`, queues: [{ queue: QUEUE }], credit: this.credit });
  }

  settle() {
    if (this.verdicts.length) this.say({ type: 'settle', id: this.frames++, settlements: this.verdicts });
    this.verdicts = [];
  }

  say(frame) { this.socket.send(JSON.stringify(frame)); }
}

exports.Client = class {
  constructor(setting) { this.setting = setting; }
  async initProducer() {
    this.producer = new Producer();
    await Promise.all(Array.from({ length: CONNECTIONS }, () => new Promise((resolve, reject) =>
      http.get({ host: '127.0.0.1', port: PORT, path: '/livez', agent: this.producer.agent },
        answer => { answer.resume(); answer.on('end', resolve); }).on('error', reject))));
  }
  enqueue(payload) { return this.setting === 'gathered' ? this.producer.gather(payload) : this.producer.submit(payload); }
  enqueueBulk(payloads) { return this.producer.submitBatch(payloads); }
  enqueueDelayed(payloads, due) { return this.producer.submitBatch(payloads, { runAt: new Date(due).toISOString() }); }
  async initWorker(options) {
    if (options.lateConnect) await waitPort(PORT);
    this.worker = new Worker(options.expect === 1 ? 1 : options.concurrency);
    await this.worker.connect();
  }
  async runWorker(onStart, onDone) { this.worker.run(onStart, onDone); }
};
