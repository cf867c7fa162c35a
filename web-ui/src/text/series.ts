// Points of GET /stats as charts need them: one for each step, also where nothing happened.
import type {Counts, Spread, Stats} from '../api/types';

export interface Point {
  at: number;
  /// How long it counted; the one under way is shorter than the step.
  seconds: number;
  submitted: number;
  completed: number;
  failed: number;
  wait: Spread | null;
  run: Spread | null;
  counts: Counts | null;
}

export interface Series {
  /// Seconds that a point sums up.
  step: number;
  points: Point[];
}

export function seriesOf(stats: Stats): Series {
  const step = stats.step;
  const known = new Map(stats.points.map((point) => [Date.parse(point.at), point]));
  let counts = stats.before;
  const points = range(Date.parse(stats.from), Date.parse(stats.to), step * 1000).map((at): Point => {
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
