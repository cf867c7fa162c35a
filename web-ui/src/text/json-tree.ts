// JSON as a tree that keeps what JSON.parse loses: the digits of large numbers, repeated keys, the text itself.

export type JsonNode =
  | {kind: 'object'; text: string; members: {key: string; value: JsonNode}[]}
  | {kind: 'array'; text: string; items: JsonNode[]}
  | {kind: 'string'; text: string; value: string}
  | {kind: 'number' | 'boolean' | 'null'; text: string};

class Reader {
  at = 0;
  constructor(readonly text: string) {}

  fail(what: string): never {
    const before = this.text.slice(0, this.at);
    const line = before.split('\n').length;
    const column = this.at - before.lastIndexOf('\n');
    throw new SyntaxError(`${what} at line ${line}, column ${column}`);
  }
  skipBlanks(): void {
    while (' \t\n\r'.includes(this.text[this.at] ?? 'x')) this.at++;
  }
  take(sign: string): boolean {
    this.skipBlanks();
    if (this.text[this.at] !== sign) return false;
    this.at++;
    return true;
  }
  need(sign: string): void {
    if (!this.take(sign)) this.fail(`"${sign}" is missing`);
  }
  match(pattern: RegExp): string | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (!found) return null;
    this.at += found[0].length;
    return found[0];
  }
}

const stringPattern = /"(?:[^"\\\u0000-\u001f]|\\.)*"/sy;
const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const wordPattern = /true|false|null/y;

function readString(reader: Reader): {text: string; value: string} {
  const start = reader.at;
  const text = reader.match(stringPattern) ?? reader.fail('a string is not closed');
  try {
    return {text, value: JSON.parse(text) as string};
  } catch {
    reader.at = start;
    return reader.fail('a string has a bad escape');
  }
}

function readMembers(reader: Reader): {key: string; value: JsonNode}[] {
  const members: {key: string; value: JsonNode}[] = [];
  if (reader.take('}')) return members;
  do {
    reader.skipBlanks();
    if (reader.text[reader.at] !== '"') reader.fail('a key in quotes is missing');
    const key = readString(reader).value;
    reader.need(':');
    members.push({key, value: readValue(reader)});
  } while (reader.take(','));
  reader.need('}');
  return members;
}

function readItems(reader: Reader): JsonNode[] {
  const items: JsonNode[] = [];
  if (reader.take(']')) return items;
  do items.push(readValue(reader));
  while (reader.take(','));
  reader.need(']');
  return items;
}

function readValue(reader: Reader): JsonNode {
  reader.skipBlanks();
  const start = reader.at;
  const text = () => reader.text.slice(start, reader.at);
  const sign = reader.text[start];
  if (sign === '{') {
    reader.at++;
    const members = readMembers(reader);
    return {kind: 'object', text: text(), members};
  }
  if (sign === '[') {
    reader.at++;
    const items = readItems(reader);
    return {kind: 'array', text: text(), items};
  }
  if (sign === '"') return {kind: 'string', ...readString(reader)};
  const word = reader.match(wordPattern);
  if (word) return {kind: word === 'null' ? 'null' : 'boolean', text: word};
  const number = reader.match(numberPattern);
  if (number) return {kind: 'number', text: number};
  return reader.fail(start < reader.text.length ? 'no JSON value begins' : 'the text ends too early');
}

/// Throws a SyntaxError with line and column.
export function parseJson(text: string): JsonNode {
  const reader = new Reader(text);
  const node = readValue(reader);
  reader.skipBlanks();
  if (reader.at < text.length) reader.fail('more follows after the value');
  return node;
}

/// The text of a member of the outermost object; undefined when it has none of that name.
export function memberText(text: string, key: string): string | undefined {
  const node = parseJson(text);
  return node.kind === 'object' ? node.members.find((member) => member.key === key)?.value.text : undefined;
}

/// What stands in answers of the broker where a value is kept from us.
export const mask = '[redacted]';

/// Whether any value of the text is the mask. No JSON: false.
export function holdsMask(text: string): boolean {
  const holds = (node: JsonNode): boolean =>
    node.kind === 'string' ? node.value === mask
    : node.kind === 'object' ? node.members.some(({value}) => holds(value))
    : node.kind === 'array' && node.items.some(holds);
  try {
    return text.includes('redacted') && holds(parseJson(text.trim()));
  } catch {
    return false;
  }
}

/// Indented by two blanks; numbers and strings stay as they are written.
export function prettyJson(node: JsonNode, indent = ''): string {
  const deeper = indent + '  ';
  if (node.kind === 'object' && node.members.length > 0) {
    const lines = node.members.map(({key, value}) => `${deeper}${JSON.stringify(key)}: ${prettyJson(value, deeper)}`);
    return `{\n${lines.join(',\n')}\n${indent}}`;
  }
  if (node.kind === 'array' && node.items.length > 0) {
    return `[\n${node.items.map((item) => deeper + prettyJson(item, deeper)).join(',\n')}\n${indent}]`;
  }
  return node.kind === 'object' ? '{}' : node.kind === 'array' ? '[]' : node.text;
}

export function prettyOrAsIs(text: string): string {
  try {
    return prettyJson(parseJson(text));
  } catch {
    return text;
  }
}

/// An object's text from members whose values are JSON text already; those that are undefined are left out.
export function objectText(members: [key: string, text: string | undefined][]): string {
  const parts = members.filter(([, text]) => text !== undefined).map(([key, text]) => `${JSON.stringify(key)}:${text}`);
  return `{${parts.join(',')}}`;
}
