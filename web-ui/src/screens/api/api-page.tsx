// The HTTP interface as this broker has it, drawn from its own /openapi.json.
import type {ComponentChildren} from 'preact';
import {useState} from 'preact/hooks';

import {api} from '../../api/api';
import {Code} from '../../parts/empty';
import {Problem} from '../../parts/problem';
import {brokerAddress} from '../../state/actions';
import {query, setQuery} from '../../state/place';
import {usePoll} from '../../state/use-poll';
import {curlOf} from '../../text/commands';
import {entriesOf, membersOf, resolve, typeOf, type Document, type Entry, type Schema} from '../../api/openapi';

const chapters: Record<string, string> = {submit: 'Submitting', read: 'Reading', work: 'Working', operate: 'Operating'};

export function ApiPage() {
  const {data, failure} = usePoll('openapi', (signal) => api.openapi(signal), 0);
  const wanted = query.value.get('find') ?? '';
  const words = wanted.toLowerCase().split(/\s+/);
  const found = data && entriesOf(data).filter(({method, path, operation}) => {
    const text = `${method} ${path} ${operation.summary} ${operation.operationId}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>API</h1>
        <label class="grow"><span class="visually-hidden">Find a call</span><input type="search" placeholder="pause, /jobs, POST…" value={wanted} onInput={(event) => setQuery({find: event.currentTarget.value}, 'replace')} /></label>
      </div>
      {failure && <Problem failure={failure} />}
      {found?.length === 0 && <p class="muted">No call has that in its name.</p>}
      {found && Object.entries(chapters).map(([tag, title]) => {
        const entries = found.filter(({operation}) => operation.tags?.[0] === tag);
        return entries.length > 0 && (
          <section key={tag} class="panel" aria-label={title}>
            <header><h2>{title}</h2></header>
            {entries.map((entry) => <Call key={entry.operation.operationId} document={data!} entry={entry} />)}
          </section>
        );
      })}
    </>
  );
}

/// Text in which `this` is code.
function Prose({text}: {text?: string}) {
  return <>{text?.split('`').map((part, i) => (i % 2 ? <code key={i}>{part}</code> : part))}</>;
}

/// What is inside is made when it is opened.
function Fold({head, kind, children}: {head: ComponentChildren; kind?: string; children: () => ComponentChildren}) {
  const [open, setOpen] = useState(false);
  return <details class={kind} onToggle={(event) => setOpen(event.currentTarget.open)}><summary>{head}</summary>{open && children()}</details>;
}

function Call({document, entry: {method, path, operation, parameters}}: {document: Document; entry: Entry}) {
  const body = operation.requestBody && resolve(document, operation.requestBody);
  const sent = body?.content?.['application/json'];
  const answers = Object.entries(operation.responses).filter(([status]) => status !== 'default');
  return (
    <Fold kind="call" head={<><code><b>{method}</b> {path}</code> <span class="muted">{operation.summary}</span></>}>
      {() => (
        <div class="pad prose">
          <p><Prose text={operation.description} /></p>
          {parameters.length > 0 && <><h3>Parameters</h3><ul>{parameters.map((one) => <Member key={one.name} document={document} name={one.name} schema={{...one.schema, description: one.description}} required={one.required ?? false} />)}</ul></>}
          {sent?.schema && <><h3>Body</h3><Members document={document} schema={sent.schema} /></>}
          {sent?.example !== undefined && <Code text={curlOf({method, path, body: JSON.stringify(sent.example)}, brokerAddress())} what="an example" />}
          {answers.map(([status, answer]) => {
            const whole = resolve(document, answer);
            const schema = Object.values(whole.content ?? {})[0]?.schema;
            return <div key={status}><h3>{status}</h3><p><Prose text={whole.description} /></p>{schema && <Members document={document} schema={schema} />}</div>;
          })}
        </div>
      )}
    </Fold>
  );
}

function Members({document, schema}: {document: Document; schema: Schema}) {
  const members = membersOf(document, schema);
  return members.length > 0
    ? <ul>{members.map(([name, member, required]) => <Member key={name} document={document} name={name} schema={member} required={required} />)}</ul>
    : <p class="muted">{typeOf(document, schema)}</p>;
}

function Member({document, name, schema, required}: {document: Document; name: string; schema: Schema; required: boolean}) {
  const whole = resolve(document, schema);
  const head = <><code>{name}</code>{required && <b title="required">*</b>} <span class="muted">{typeOf(document, schema)}</span> <Prose text={whole.description} /></>;
  const deep = membersOf(document, schema).length > 0;
  return <li>{deep ? <Fold head={head}>{() => <Members document={document} schema={schema} />}</Fold> : head}</li>;
}
