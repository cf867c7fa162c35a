// The same request in the words of other programs: curl, pawl, C++, TypeScript, Python. Every text runs as it stands.
import {parseJson, prettyJson, type JsonNode} from './json-tree';

export interface Call {
  method: string;
  path: string;
  /// JSON text.
  body?: string;
  headers?: Record<string, string>;
}

export interface Broker {
  /// Without a slash at the end.
  url: string;
  needsToken: boolean;
}

export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

export function curlOf(call: Call, broker: Broker): string {
  const parts = ['curl', '-fsS'];
  if (call.method !== 'GET') parts.push('-X', call.method);
  parts.push(shellQuote(broker.url + call.path));
  const lines = [parts.join(' ')];
  if (broker.needsToken) lines.push('-H "Authorization: Bearer $PAWL_TOKEN"');
  for (const [name, value] of Object.entries(call.headers ?? {})) lines.push(`-H ${shellQuote(`${name}: ${value}`)}`);
  if (call.body !== undefined) lines.push("-H 'Content-Type: application/json'", `-d ${shellQuote(call.body)}`);
  return lines.join(' \\\n  ');
}

/// `pawl` reads PAWL_TOKEN by itself.
export function pawlOf(args: string[], broker: Broker): string {
  const where = broker.url === 'http://127.0.0.1:7711' ? [] : ['--url', broker.url];
  return ['pawl', ...args, ...where].map(shellQuote).join(' ');
}

/// What the enqueue form holds; texts of JSON where JSON is meant.
export interface Draft {
  queue: string;
  name: string;
  payload: string;
  priority: string;
  delayMs: number | null;
  maxAttempts: string;
  group: string;
  tags: string[];
  uniqueKey: string;
  idempotencyKey: string;
  /// Further members of the submit, from the job that is copied: [name, JSON text].
  others: [string, string][];
}

const text = (value: string) => JSON.stringify(value);

/// The members of POST /jobs as [name, JSON text]; what is empty is left to the queue.
export function draftMembers(draft: Draft): [string, string][] {
  const members: [string, string | undefined][] = [
    ['queue', text(draft.queue)],
    ['name', draft.name ? text(draft.name) : undefined],
    ['payload', draft.payload.trim() || 'null'],
    ['priority', draft.priority || undefined],
    ['delayMs', draft.delayMs ? String(draft.delayMs) : undefined],
    ['maxAttempts', draft.maxAttempts || undefined],
    ['group', draft.group ? text(draft.group) : undefined],
    ['tags', draft.tags.length > 0 ? JSON.stringify(draft.tags) : undefined],
    ['uniqueKey', draft.uniqueKey ? text(draft.uniqueKey) : undefined],
    ...draft.others,
  ];
  return members.filter((member): member is [string, string] => member[1] !== undefined);
}

export function draftBody(draft: Draft): string {
  return `{${draftMembers(draft).map(([key, value]) => `${text(key)}:${value}`).join(',')}}`;
}

export function draftCall(draft: Draft): Call {
  const headers = draft.idempotencyKey ? {'Idempotency-Key': draft.idempotencyKey} : undefined;
  return {method: 'POST', path: '/jobs', body: draftBody(draft), headers};
}

/// A duration as pawl reads it, in whole units.
export function pawlDuration(ms: number): string {
  for (const [unit, size] of [['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1000]] as const) {
    if (ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}

const pawlOptions: Record<string, string> = {leaseMs: '--lease', timeoutMs: '--timeout', uniqueForMs: '--unique-for'};

/// Null when the form holds what the command has no option for.
export function draftPawl(draft: Draft): string[] | null {
  const args = ['enqueue', draft.queue, draft.payload.trim() || 'null'];
  const option = (name: string, value: string) => value && args.push(name, value);
  option('--name', draft.name);
  option('--priority', draft.priority);
  if (draft.delayMs) option('--delay', pawlDuration(draft.delayMs));
  option('--max-attempts', draft.maxAttempts);
  option('--group', draft.group);
  for (const tag of draft.tags) option('--tag', tag);
  option('--unique-key', draft.uniqueKey);
  option('--idempotency-key', draft.idempotencyKey);
  for (const [name, value] of draft.others) {
    const known = pawlOptions[name];
    if (!known) return null;
    if (value !== 'null' && value !== '0') option(known, pawlDuration(Number(value)));
  }
  return args;
}

/// JSON text as a C++ raw string literal.
function cppRaw(value: string): string {
  let mark = 'json';
  while (value.includes(`)${mark}"`)) mark += '_';
  return `R"${mark}(${value})${mark}"`;
}

/// In C++ a \u escape may not name what the basic character set has, so only quotes, backslashes and controls are escaped.
function cppText(value: string): string {
  const escaped = value.replace(/[\\"]/g, '\\$&').replace(/[\u0000-\u001f\u007f]/g, (sign) => `\\${sign.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return `"${escaped.replaceAll('??', '?\\?')}"`;
}

const cppMembers: Record<string, (value: string) => string> = {
  leaseMs: (value) => `.lease = milliseconds(${value})`,
  timeoutMs: (value) => `.timeout = milliseconds(${value})`,
};
/// In the order in which JobSpec declares them; designated initializers must keep it.
const cppOrder = ['queue', 'name', 'payload', 'priority', 'delay', 'max_attempts', 'lease', 'timeout', 'unique_key', 'group', 'tags', 'idempotency_key'];

/// Null when the form holds what this sample does not spell.
export function draftCpp(draft: Draft, broker: Broker): string | null {
  const members = [`.queue = ${cppText(draft.queue)}`];
  if (draft.name) members.push(`.name = ${cppText(draft.name)}`);
  members.push(`.payload = pawl::JsonText::raw(${cppRaw(draft.payload.trim() || 'null')})`);
  if (draft.priority) members.push(`.priority = ${draft.priority}`);
  if (draft.delayMs) members.push(`.delay = milliseconds(${draft.delayMs})`);
  if (draft.maxAttempts) members.push(`.max_attempts = ${draft.maxAttempts}`);
  if (draft.uniqueKey) members.push(`.unique_key = ${cppText(draft.uniqueKey)}`);
  if (draft.group) members.push(`.group = ${cppText(draft.group)}`);
  if (draft.tags.length > 0) members.push(`.tags = {${draft.tags.map(cppText).join(', ')}}`);
  if (draft.idempotencyKey) members.push(`.idempotency_key = ${cppText(draft.idempotencyKey)}`);
  for (const [name, value] of draft.others) {
    const known = cppMembers[name];
    if (!known) return null;
    if (value !== 'null') members.push(known(value));
  }
  const place = (member: string) => cppOrder.indexOf(/^\.(\w+)/.exec(member)![1]!);
  members.sort((a, b) => place(a) - place(b));
  return `#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <pawl/client.hpp>

using std::chrono::milliseconds;

int main() {
  pawl::Client client({.url = ${cppText(broker.url)}${broker.needsToken ? ', .token = std::getenv("PAWL_TOKEN")' : ''}});
  const auto job = client.enqueue({
${members.map((member) => `      ${member},`).join('\n')}
  });
  std::printf("%s\\n", job.job_id.c_str());
}
`;
}

/// Whether JavaScript's numbers hold all of the text's.
function isExact(node: JsonNode): boolean {
  if (node.kind === 'object') return node.members.every(({value}) => isExact(value));
  if (node.kind === 'array') return node.items.every(isExact);
  return node.kind !== 'number' || String(Number(node.text)) === node.text;
}

function indented(value: string, blanks: string): string {
  return value.replaceAll('\n', '\n' + blanks);
}

export function draftTypeScript(draft: Draft, broker: Broker): string {
  const body = draftBody(draft);
  const node = parseJson(body);
  const shown = isExact(node) ? `JSON.stringify(${indented(prettyJson(node), '  ')})` : JSON.stringify(body);
  const headers = [`'content-type': 'application/json'`];
  if (broker.needsToken) headers.push('authorization: `Bearer ${process.env.PAWL_TOKEN}`');
  if (draft.idempotencyKey) headers.push(`'idempotency-key': ${text(draft.idempotencyKey)}`);
  return `const response = await fetch(${text(broker.url + '/jobs')}, {
  method: 'POST',
  headers: {${headers.join(', ')}},
  body: ${shown},
});
if (!response.ok) throw new Error(await response.text());
const {jobId} = await response.json();
console.log(jobId);
`;
}

export function draftPython(draft: Draft, broker: Broker): string {
  const headers = [`"Content-Type": "application/json"`];
  if (broker.needsToken) headers.push(`"Authorization": "Bearer " + os.environ["PAWL_TOKEN"]`);
  if (draft.idempotencyKey) headers.push(`"Idempotency-Key": ${text(draft.idempotencyKey)}`);
  return `import json${broker.needsToken ? '\nimport os' : ''}
import urllib.request

body = ${text(draftBody(draft))}
request = urllib.request.Request(
    ${text(broker.url + '/jobs')},
    data=body.encode(),
    headers={${headers.join(', ')}},
)
with urllib.request.urlopen(request) as response:
    print(json.load(response)["jobId"])
`;
}
