// The graph of a workflow. The table beside it says the same in words.
import {href} from '../../state/place';
import {Icon} from '../../parts/icons';
import type {Workflow} from '../../api/types';
import {layout} from './layout';

const width = 152;
const height = 48;
const gapX = 48;
const gapY = 16;
const margin = 8;

export function Graph({jobs, chain}: {jobs: Workflow['jobs']; chain: string[]}) {
  const placed = new Map(layout(jobs).map((node) => [node.ref, node]));
  const columns = 1 + Math.max(...[...placed.values()].map(({column}) => column));
  const rows = 1 + Math.max(...[...placed.values()].map(({row}) => row));
  const left = (ref: string) => margin + placed.get(ref)!.column * (width + gapX);
  const top = (ref: string) => margin + placed.get(ref)!.row * (height + gapY);
  const size = {width: 2 * margin + columns * (width + gapX) - gapX, height: 2 * margin + rows * (height + gapY) - gapY};
  const edges = jobs.flatMap(({ref, dependsOn}) => dependsOn.filter((parent) => placed.has(parent)).map((parent) => ({from: parent, to: ref})));
  return (
    <div class="graph-scroll" tabIndex={0} role="group" aria-label="Graph of the jobs">
      <div class="graph" style={{width: `${size.width}px`, height: `${size.height}px`}}>
        <svg width={size.width} height={size.height} aria-hidden="true">
          {edges.map(({from, to}) => {
            const x1 = left(from) + width;
            const x2 = left(to);
            const y1 = top(from) + height / 2;
            const y2 = top(to) + height / 2;
            const bend = gapX * 0.6;
            const hot = chain.includes(from) && chain.includes(to);
            return <path key={from + '→' + to} class={hot ? 'edge hot' : 'edge'} d={`M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2 - 4} ${y2}m-4 -4l4 4l-4 4`} />;
          })}
        </svg>
        {jobs.map(({ref, jobId, queue, status}) => (
          <a key={ref} class={`node state-${status ?? 'gone'}`} href={href('jobs', jobId)} data-ref={ref} style={{left: `${left(ref)}px`, top: `${top(ref)}px`, width: `${width}px`, height: `${height}px`}}>
            {status && <Icon name={status} />}
            <span><b class="clip">{ref}</b><span class="clip">{status ?? 'gone'} · {queue}</span></span>
          </a>
        ))}
      </div>
    </div>
  );
}
