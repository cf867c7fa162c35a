// Two texts line by line: what went, what came, and a little of what stayed around it.
import {useMemo} from 'preact/hooks';

import {diffLines, type DiffLine} from '../text/diff';

const around = 2;
const signs = {same: ' ', removed: '−', added: '+'};

function isNear(lines: DiffLine[], index: number): boolean {
  return lines.slice(Math.max(0, index - around), index + around + 1).some(({kind}) => kind !== 'same');
}

export function Diff({title, before, after, none}: {title: string; before: string; after: string; none: string}) {
  const lines = useMemo(() => diffLines(before, after), [before, after]);
  const changes = lines.filter(({kind}) => kind !== 'same').length;
  return (
    <section class="panel" aria-label={title}>
      <header><h2>{title}</h2></header>
      {changes === 0 && <p class="muted pad">{none}</p>}
      {changes > 0 && (
        <div class="diff mono" tabIndex={0} role="group" aria-label="Changed lines">
          {lines.map((line, index) => isNear(lines, index) && (
            <div key={index} class={line.kind}>
              {signs[line.kind]} {line.text}
              {line.kind !== 'same' && <span class="visually-hidden"> ({line.kind})</span>}
            </div>
          ))}
        </div>
      )}
    </section>
  );
}
