// A broker as it looks on a working day: queues in every condition, and jobs in every state.

const people = ['ada', 'grace', 'edsger', 'barbara', 'tony', 'leslie'];
const stack = (line) => `  at Mailer.send (mailer.ts:${line})\n  at Worker.run (worker.ts:88)\n  at process.processTicksAndRejections (node:internal/process/task_queues:95)`;

export async function populate(broker) {
  const done = await broker.submitMany('mail', 120, (i) => ({name: i % 3 ? 'welcome' : 'invoice', payload: {to: `${people[i % 6]}@example.org`, template: 'v2', order: {id: 4200 + i, items: [1, 2, 3]}}, tags: [i % 2 ? 'eu' : 'us'], group: `tenant-${i % 4}`}));
  for (let left = done.length; left > 0;) {
    const jobs = await broker.lease('mail', {worker: 'mailer-1@web3', max: 60});
    await Promise.all(jobs.map((job) => broker.complete(job, {messageId: job.jobId.slice(-12), accepted: true})));
    left -= jobs.length;
  }
  await broker.bury('mail', 14, (i) => (i % 4 ? {type: 'SmtpTimeout', message: `no answer from mx${i % 3}.example.org after 30 s`, stack: stack(214)} : {type: 'BadAddress', message: `user-${i}@ is no address`, stack: stack(98)}),
    (i) => ({name: i % 2 ? 'welcome' : 'invoice', payload: {to: `user-${i}@`, attempt: i}}));
  await broker.call('PUT', '/queues/mail', {maxConcurrency: 20, rateLimit: {max: 100, perMs: 1000}});

  await broker.submitMany('video', 37, (i) => ({name: 'encode', payload: {file: `clips/${i}.mov`, preset: '1080p'}, priority: i % 5, group: `studio-${i % 3}`, timeoutMs: 3_600_000}));
  await broker.call('POST', '/queues/video/groups/pause', {group: 'studio-2', reason: 'their storage is full'});
  const [encode, other] = await broker.lease('video', {worker: 'encoder-a@gpu1', max: 2});
  await broker.heartbeat(encode, {progress: 62, message: 'second pass'});
  await broker.log(encode, 'probe: 1920x1080, 25 fps', 'pass 1 of 2 done in 41 s', 'pass 2 of 2 begins');
  await broker.heartbeat(other, {progress: 8, message: 'probing'});

  const [retried] = await broker.submitMany('reports', 3, () => ({name: 'sales', maxAttempts: 5, payload: {quarter: '2026-Q3'}}));
  const [report] = await broker.lease('reports', {worker: 'reporter@batch2'});
  await broker.fail(report, {type: 'DbLocked', message: 'lock wait timeout exceeded', stack: stack(12)});
  await broker.call('POST', '/queues/reports/pause', {reason: 'database upgrade until noon'});
  await broker.submit('reports', {name: 'yearly', delayMs: 7_200_000});
  await broker.submitMany('thumbnails', 5, (i) => ({payload: {image: i}}));
  await broker.submit('thumbnails', {name: 'cancelled-one'}).then((id) => broker.call('POST', `/jobs/${id}/cancel`));

  await broker.call('PUT', '/schedules/nightly-report', {queue: 'reports', name: 'sales', cron: '30 2 * * MON-FRI', timezone: 'Europe/Berlin', overlap: 'skip', payload: {kind: 'sales'}});
  await broker.call('PUT', '/schedules/heartbeat', {queue: 'mail', name: 'ping', everyMs: 900_000});
  await broker.call('PUT', '/schedules/month-end', {queue: 'reports', cron: '0 6 L * *', timezone: 'America/New_York', paused: true});

  await broker.call('PUT', '/limits/payments-api', {concurrency: 20, rate: {max: 500, perMs: 60_000}});
  await broker.call('PUT', '/limits/gpu', {concurrency: 4});
  const workflow = await broker.call('POST', '/workflows', {
    name: 'photo',
    jobs: [
      {ref: 'fetch', queue: 'images'}, {ref: 'thumbnail', queue: 'images', dependsOn: ['fetch']}, {ref: 'faces', queue: 'images', dependsOn: ['fetch']},
      {ref: 'caption', queue: 'images', dependsOn: ['faces']}, {ref: 'publish', queue: 'web', dependsOn: ['thumbnail', 'caption']}, {ref: 'notify', queue: 'mail-later', dependsOn: ['publish']},
    ].map((job) => ({...job, leaseMs: 600_000})),  // one runs for as long as the pages are looked at
  });
  const [fetched] = await broker.lease('images', {worker: 'imager@web1'});
  await broker.complete(fetched, {bytes: 184_213});
  await broker.lease('images', {worker: 'imager@web1'});
  return {encode, retried, done, workflow};
}
