// Lines over time, drawn as SVG. The pointer, or the arrow keys, read values off; so does the caption.
import {useState} from 'preact/hooks';

import {zone} from '../state/preferences';
import {moment} from '../text/format';
import {niceCeiling} from '../text/series';

export interface Line {
  name: string;
  /// The colour's class.
  class: 'main' | 'second' | 'alarm';
  area?: boolean;
  /// Null where there was nothing to measure.
  values: (number | null)[];
}

interface Props {
  title: string;
  times: number[];
  /// Milliseconds from one to the next.
  step: number;
  lines: Line[];
  show: (value: number) => string;
}

const width = 600;
const height = 96;

/// Runs of neighbours that have values, as "x,y x,y…".
function pathsOf(values: (number | null)[], x: (index: number) => number, y: (value: number) => number): string[] {
  const paths: string[] = [];
  let open: string[] = [];
  const close = () => {
    // A point by itself would not be seen.
    if (open.length === 1) open.push(`${Number(open[0]!.split(',')[0]) + 1},${open[0]!.split(',')[1]}`);
    if (open.length) paths.push(open.join(' '));
    open = [];
  };
  values.forEach((value, index) => (value === null ? close() : open.push(`${x(index).toFixed(1)},${y(value).toFixed(1)}`)));
  close();
  return paths;
}

export function Chart({title, times, step, lines, show}: Props) {
  const [at, setAt] = useState<number | null>(null);
  if (times.length < 2) return <p class="muted pad">The first seconds are being counted.</p>;
  const all = lines.flatMap(({values}) => values.filter((value): value is number => value !== null));
  const top = niceCeiling(Math.max(0, ...all));
  const x = (index: number) => (index / (times.length - 1)) * width;
  const y = (value: number) => height - (value / top) * (height - 2) - 1;
  const index = Math.min(at ?? times.length - 1, times.length - 1);
  const point = (event: PointerEvent) => {
    const box = (event.currentTarget as Element).getBoundingClientRect();
    setAt(Math.max(0, Math.min(times.length - 1, Math.round(((event.clientX - box.left) / box.width) * (times.length - 1)))));
  };
  const key = (event: KeyboardEvent) => {
    const move = {ArrowLeft: -1, ArrowRight: 1}[event.key];
    if (!move) return;
    event.preventDefault();
    setAt(Math.max(0, Math.min(times.length - 1, index + move)));
  };
  const shown = (value: number | null | undefined) => (value === null || value === undefined ? '–' : show(value));
  const latest = lines.map(({name, values}) => `${name} ${shown(values.at(-1))}`).join(', ');
  return (
    <figure class="chart" data-chart={title}>
      <div class="chart-area">
        <span class="chart-top num">{show(top)}</span>
        <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" tabIndex={0} aria-label={`${title}; now ${latest}`} onPointerMove={point} onPointerLeave={() => setAt(null)} onKeyDown={key} onBlur={() => setAt(null)}>
          {[top, top / 2, 0].map((value) => <line key={value} class="grid" x1="0" x2={width} y1={y(value)} y2={y(value)} />)}
          {lines.map((line) => pathsOf(line.values, x, y).map((path, part) => (
            <g key={line.name + part}>
              {line.area && <polygon class="area" points={`${path.split(',')[0]},${height} ${path} ${path.split(' ').at(-1)!.split(',')[0]},${height}`} />}
              <polyline class={line.class} points={path} />
            </g>
          )))}
          {at !== null && <line class="cursor" x1={x(index)} x2={x(index)} y1="0" y2={height} />}
        </svg>
      </div>
      <figcaption>
        <span class="muted num">{moment(times[index]!, zone.value === 'utc').slice(step >= 60_000 ? 5 : 11, step >= 60_000 ? 16 : 19)}</span>
        {lines.map(({name, class: colour, values}) => <span class="legend" key={name}><i class={colour} />{name} <b class="num">{shown(values[index])}</b></span>)}
      </figcaption>
    </figure>
  );
}
