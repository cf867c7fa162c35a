// The words, numbers and texts that the screens are made of, without a browser.
import assert from 'node:assert/strict';
import path from 'node:path';
import {pathToFileURL} from 'node:url';

import {before, folder, require, source, test} from './harness.mjs';

let text;
before(async () => {
  const names = ['text/cron-words', 'text/format', 'text/diff', 'text/json-tree', 'text/series', 'text/commands', 'screens/jobs/filter', 'screens/workflows/layout'];
  const out = path.join(folder, 'text.mjs');
  await require('esbuild').build({
    stdin: {contents: names.map((name) => `export * from './${name}';`).join('\n'), resolveDir: path.join(source, 'web-ui/src'), loader: 'ts'},
    bundle: true, format: 'esm', outfile: out, logLevel: 'error',
  });
  text = await import(pathToFileURL(out));
});

/// Columns: what goes in, what must come out.
function ledger(name, call, rows) {
  test(name, () => {
    for (const [input, expected] of rows) assert.deepEqual(call()(input), expected, JSON.stringify(input));
  });
}

ledger('cron in words', () => text.cronWords, [
  ['* * * * *', 'Every minute'],
  ['*/15 * * * *', 'Every 15 minutes'],
  ['0 * * * *', 'Every hour, on the hour'],
  ['@hourly', 'Every hour, on the hour'],
  ['0 */2 * * *', 'Every 2 hours, on the hour'],
  ['30 2 * * *', 'At 02:30, every day'],
  ['@daily', 'At 00:00, every day'],
  ['0 8,12,18 * * *', 'At 08:00, 12:00 and 18:00, every day'],
  ['30 2 * * MON-FRI', 'At 02:30, Monday to Friday'],
  ['0 9 * * 1,3', 'At 09:00, on Monday and Wednesday'],
  ['0 0 1 * *', 'At 00:00, on the 1st of the month'],
  ['0 0 1 1 *', 'At 00:00, on the 1st, in January'],
  ['0 6 L * *', 'At 06:00, on the last day of the month'],
  ['0 9 * * MON#1', 'At 09:00, on the 1st Monday of the month'],
  ['0 9 * * 5L', 'At 09:00, on the last Friday of the month'],
  ['15 30 2 * * *', 'At 02:30:15, every day'],
  ['61 * * * *', null],
  ['nonsense', null],
  ['* * *', null],
]);

ledger('durations, read', () => text.parseDuration, [
  ['30s', 30_000], ['5 min', 300_000], ['1h30m', 5_400_000], ['2d', 172_800_000], ['250ms', 250], ['90', 90_000], ['1.5h', 5_400_000], ['', null], ['soon', null], ['5 parsecs', null],
]);

ledger('durations, shown', () => text.duration, [
  [0, '0 ms'], [0.2, '< 1 ms'], [850, '850 ms'], [1234, '1.2 s'], [12_300, '12 s'], [252_000, '4 min 12 s'], [11_100_000, '3 h 5 min'], [187_200_000, '2 d 4 h'], [3_600_000, '1 h'],
]);

ledger('bytes', () => text.bytes, [[0, '0 B'], [1023, '1023 B'], [1536, '1.5 KiB'], [245_760_000_000, '229 GiB']]);

test('a diff has every line of both texts, and as few changes as it can', () => {
  const before = 'a\nb\nc\nd\ne';
  const after = 'a\nx\nc\ne\nf';
  const lines = text.diffLines(before, after);
  assert.equal(lines.filter(({kind}) => kind !== 'added').map((line) => line.text).join('\n'), before);
  assert.equal(lines.filter(({kind}) => kind !== 'removed').map((line) => line.text).join('\n'), after);
  assert.equal(lines.filter(({kind}) => kind === 'same').length, 3);
});

test('JSON keeps its digits, repeated keys and escapes; what is none is refused with its place', () => {
  for (const json of ['12345678901234567890', '{"a":1,"a":2}', '"\\u00e4\\n"', '[1e400,-0.0,[]]', '{"":{}}', 'null']) {
    const compact = (pretty) => pretty.replace(/\n\s*/g, '').replace(/": /g, '":');
    assert.equal(compact(text.prettyJson(text.parseJson(json))), json);
  }
  for (const [wrong, said] of [['{"a":}', /line 1, column 6/], ['[1,]', /line 1/], ['{"a" 1}', /":"/], ['01', /more follows/], ['"\\x"', /escape/], ['', /ends too early/], ['{"a":1}\n x', /line 2/]]) {
    assert.throws(() => text.parseJson(wrong), said);
  }
  assert.equal(text.memberText('{"x": {"payload": 1}, "payload": {"n": 1.0}}', 'payload'), '{"n": 1.0}');
});

test('a search is read as it is meant', () => {
  const base = Date.parse('2026-11-26T12:00:00.000Z');
  const read = (words) => text.parseSearch(words, base);
  const rows = [
    ['queue:mail state:failed,cancelled', {queue: 'mail', status: ['failed', 'cancelled']}],
    ['tag:"a b" group:x', {tag: 'a b', group: 'x'}],
    ['attempts:>2', {attemptsMin: 3}],
    ['attempts:>=2', {attemptsMin: 2}],
    ['attempts:<3', {attemptsMax: 2}],
    ['attempts:0', {attemptsMin: 0, attemptsMax: 0}],
    ['created:<2h', {createdAfter: '2026-11-26T10:00:00.000Z'}],
    ['created:>1d', {createdBefore: '2026-11-25T12:00:00.000Z'}],
    ['created:2026-11-03', {createdAfter: '2026-11-03T00:00:00.000Z', createdBefore: '2026-11-04T00:00:00.000Z'}],
    ['created:>2026-11-03', {createdAfter: '2026-11-03T00:00:00.000Z'}],
    ['payload.user.id:42 payload.plan:pro', {payload: {'payload.user.id': '42', 'payload.plan': 'pro'}}],
    ['no answer', {q: 'no answer'}],
    ['"said: hello"', {q: 'said: hello'}],
    ['id:01a21a', {id: '01a21a'}],
  ];
  for (const [words, filter] of rows) assert.deepEqual([read(words).filter, read(words).unknown], [filter, []], words);
  for (const words of ['state:nonsense', 'attempts:many', 'created:soon', 'colour:blue', 'queue:']) assert.deepEqual(read(words).unknown, [words]);
  assert.equal(text.withWord('queue:a state:failed x', 'state', 'pending'), 'queue:a x state:pending');
  assert.equal(text.withWord('queue:a state:failed', 'state', null), 'queue:a');
});

test('a graph: parents stand left of their children, the open chain is the longest', () => {
  const nodes = [['a'], ['b', 'a'], ['c', 'a'], ['d', 'b'], ['e', 'd', 'c'], ['lone']].map(([ref, ...dependsOn]) => ({ref, dependsOn}));
  const placed = Object.fromEntries(text.layout(nodes).map((node) => [node.ref, node]));
  for (const {ref, dependsOn} of nodes) for (const parent of dependsOn) assert.ok(placed[parent].column < placed[ref].column);
  assert.equal(new Set(Object.values(placed).map(({column, row}) => `${column},${row}`)).size, nodes.length, 'no two in one place');
  const ended = (refs) => nodes.map((node) => ({...node, ended: refs.includes(node.ref)}));
  assert.deepEqual(text.openChain(ended([])), ['a', 'b', 'd', 'e']);
  assert.deepEqual(text.openChain(ended(['a', 'b', 'd'])), ['c', 'e']);
  assert.deepEqual(text.openChain(ended(['a', 'b', 'c', 'd', 'e', 'lone'])), []);
});

test('a series has a point for each step, also where nothing happened, and thinning loses no job', () => {
  const at = (second) => new Date(1_760_000_000_000 + second * 1000).toISOString();
  const counts = {pending: 1, active: 0, completed: 0, failed: 0, delayed: 0, stalled: 0, blocked: 0, cancelled: 0};
  const none = {count: 0, p50: null, p95: null, p99: null};
  const point = (second, submitted) => ({at: at(second), submitted, started: 0, completed: 0, failed: 0, retried: 0, waitMs: none, runMs: none, counts: {...counts, pending: submitted}});
  const series = text.seriesOf({at: at(10), from: at(0), to: at(10), step: 1, before: counts, points: [point(2, 5), point(7, 3)]});
  assert.deepEqual(series.points.map(({submitted}) => submitted), [0, 0, 5, 0, 0, 0, 0, 3, 0]);
  assert.deepEqual(series.points.map((one) => one.counts.pending), [1, 1, 5, 5, 5, 5, 5, 3, 3]);
  const thin = text.thinned(series, 3);
  assert.equal(thin.points.length, 3);
  assert.equal(thin.points.reduce((sum, {submitted}) => sum + submitted, 0), 8);
});

test('a command stays one command, whatever is in it', () => {
  assert.equal(text.shellQuote("it's $HOME `x` \"y\""), `'it'\\''s $HOME \`x\` "y"'`);
  assert.equal(text.shellQuote('plain-1.2:x/y'), 'plain-1.2:x/y');
  assert.match(text.pawlOf(['pause', 'a', '--reason', 'x; rm -rf /'], {url: 'http://127.0.0.1:7711', needsToken: false}), /'x; rm -rf \/'$/);
});
