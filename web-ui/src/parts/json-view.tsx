// JSON to look at: a tree that folds, or the text as it is kept; numbers keep all their digits.
import {useMemo, useState} from 'preact/hooks';

import {copy} from '../state/toasts';
import {bytes, count} from '../text/format';
import {holdsMask, parseJson, prettyJson, type JsonNode} from '../text/json-tree';
import {CopyButton} from './copy-button';
import {Icon} from './icons';

const shownAtFirst = 100;
const openNodesMax = 300;

/// name: "payload", the root of the paths that are copied. redacted: the broker masked values, here or elsewhere.
export function JsonView({name, text, redacted}: {name: string; text: string; redacted?: boolean}) {
  const [raw, setRaw] = useState(false);
  const [wrap, setWrap] = useState(true);
  const node = useMemo(() => {
    try {
      return parseJson(text);
    } catch {
      return null;
    }
  }, [text]);
  const size = useMemo(() => new TextEncoder().encode(text).length, [text]);
  return (
    <section class="panel json" aria-label={name}>
      <header>
        <h2>{name}</h2>
        <span class="muted small-text num">{bytes(size)}</span>
        {redacted && holdsMask(text) && <span class="muted small-text">with values redacted by the broker</span>}
        <span class="grow" />
        <button type="button" class="button small quiet" aria-pressed={raw} onClick={() => setRaw(!raw)}>Raw</button>
        {raw && <button type="button" class="button small quiet" aria-pressed={wrap} onClick={() => setWrap(!wrap)}>Wrap</button>}
        <CopyButton text={() => (raw || !node ? text : prettyJson(node))} what={`the ${name}`} />
      </header>
      <div class="json-body">
        {raw || !node
          ? <pre tabIndex={0} aria-label={`${name}, as it is kept`} class={wrap ? 'wrapped' : ''}>{text}</pre>
          : <ul class="tree"><Branch node={node} path={name} label={null} depth={0} /></ul>}
      </div>
    </section>
  );
}

function children(node: JsonNode): {label: string; step: string; node: JsonNode}[] {
  if (node.kind === 'object') {
    return node.members.map(({key, value}) => ({label: key, step: /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`, node: value}));
  }
  return node.kind === 'array' ? node.items.map((item, index) => ({label: String(index), step: `[${index}]`, node: item})) : [];
}

function summary(node: JsonNode): string {
  if (node.kind === 'object') return node.members.length === 1 ? '{ 1 member }' : `{ ${count(node.members.length)} members }`;
  return node.kind === 'array' ? (node.items.length === 1 ? '[ 1 item ]' : `[ ${count(node.items.length)} items ]`) : '';
}

function Branch({node, path, label, depth}: {node: JsonNode; path: string; label: string | null; depth: number}) {
  const parts = children(node);
  const [open, setOpen] = useState(depth < 3 && parts.length <= openNodesMax);
  const [most, setMost] = useState(shownAtFirst);
  const key = label !== null && (
    <button type="button" class="key" title={`Copy ${path}`} onClick={() => void copy(path, path)}>{label}</button>
  );
  if (parts.length === 0) {
    return <li class="leaf">{key}<span class={`value ${node.kind}`}>{node.kind === 'object' ? '{}' : node.kind === 'array' ? '[]' : node.text}</span></li>;
  }
  return (
    <li>
      <button type="button" class="fold" aria-expanded={open} aria-label={`${open ? 'Fold' : 'Unfold'} ${path}`} onClick={() => setOpen(!open)}>
        <Icon name={open ? 'more' : 'closed'} />
      </button>
      {key}
      <span class="muted small-text">{summary(node)}</span>
      {open && (
        <ul>
          {parts.slice(0, most).map((part) => <Branch key={part.step} node={part.node} path={path + part.step} label={part.label} depth={depth + 1} />)}
          {parts.length > most && <li><button type="button" class="button small" onClick={() => setMost(most + 1000)}>{count(parts.length - most)} more</button></li>}
        </ul>
      )}
    </li>
  );
}
