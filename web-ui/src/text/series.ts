// Points of GET /stats as charts need them: one for each step, also where nothing happened.
import type {Stats, Status} from '../api/types';

export interface Spread {
  count: number;
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

export interface Point {
  at: number;
  /// How long it counted; the one under way is shorter than the step.
  seconds: number;
  submitted: number;
  completed: number;
  failed: number;
  wait: Spread | null;
  run: Spread | null;
  counts: Record<Status, number> | null;
}

export interface Series {
  /// Seconds that a point sums up.
  step: number;
  points: Point[];
}

/// What a broker that keeps its history tells besides.
interface History {
  from?: string;
  to?: string;
  step?: number;
  before?: Record<Status, number> | null;
  points: {waitMs?: Spread; runMs?: Spread; counts?: Record<Status, number>}[];
}

export function hasHistory(stats: Stats): boolean {
  return (stats as unknown as History).step !== undefined;
}

export function seriesOf(stats: Stats): Series {
  const {from, to, step = 1, before = null} = stats as unknown as History;
  const known = new Map(stats.points.map((point) => [Date.parse(point.at), point as Stats['points'][number] & History['points'][number]]));
  const times = from && to ? range(Date.parse(from), Date.parse(to), step * 1000) : [...known.keys()];
  let counts = before;
  const points = times.map((at): Point => {
    const point = known.get(at);
    counts = point?.counts ?? counts;
    return {at, seconds: Math.min(step, Math.max(1, (Date.parse(stats.at) - at) / 1000)), submitted: point?.submitted ?? 0, completed: point?.completed ?? 0, failed: point?.failed ?? 0, wait: point?.waitMs ?? null, run: point?.runMs ?? null, counts};
  });
  // Of the second under way little can be said; of a longer step much.
  return {step, points: step < 60 ? points.slice(0, -1) : points};
}

function range(from: number, to: number, step: number): number[] {
  return Array.from({length: Math.max(0, Math.round((to - from) / step))}, (_, index) => from + index * step);
}

/// At most `most` points, each the mean of its neighbours; of spreads the worst, of counts the last.
export function thinned({step, points}: Series, most: number): Series {
  const each = Math.max(1, Math.ceil(points.length / most));
  if (each === 1) return {step, points};
  const thin: Point[] = [];
  for (let i = 0; i < points.length; i += each) {
    const part = points.slice(i, i + each);
    const sum = (key: 'seconds' | 'submitted' | 'completed' | 'failed') => part.reduce((total, point) => total + point[key], 0);
    const worst = (key: 'wait' | 'run') => part.map((point) => point[key]).reduce((a, b) => ((b?.p95 ?? -1) > (a?.p95 ?? -1) ? b : a), null);
    thin.push({at: part[0]!.at, seconds: sum('seconds'), submitted: sum('submitted'), completed: sum('completed'), failed: sum('failed'), wait: worst('wait'), run: worst('run'), counts: part.at(-1)!.counts});
  }
  return {step: step * each, points: thin};
}

/// 1, 2, 5, 10, 20…: the next that is not below.
export function niceCeiling(value: number): number {
  if (value <= 1) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= value)!;
}
