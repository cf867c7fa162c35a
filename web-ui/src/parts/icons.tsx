// Drawn for a 16×16 grid in the current colour. They repeat what a text beside them says, so screen readers skip them.

const paths = {
  pending: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM8 4.5V8l2.5 1.8',
  active: 'M4.5 2.5v11l9-5.5z',
  completed: 'M2.5 8.5l3.5 3.5 7.5-8',
  failed: 'M3.5 3.5l9 9m0-9l-9 9',
  delayed: 'M4 1.5h8M4 14.5h8M4.5 1.5c0 4 7 5 7 6.5s-7 2.5-7 6.5m7-13c0 4-7 5-7 6.5s7 2.5 7 6.5',
  stalled: 'M8 1.8l6.7 12.4H1.3zM8 6.5v3.5m0 2v.6',
  blocked: 'M3.5 7.5h9v6.5h-9zM5.5 7.5V5a2.5 2.5 0 0 1 5 0v2.5',
  cancelled: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM3.5 12.5l9-9',
  paused: 'M5 3v10m6-10v10',
  alert: 'M8 1.8l6.7 12.4H1.3zM8 6.5v3.5m0 2v.6',
  copy: 'M5.5 5.5v-3.5h8.5v8.5h-3.5M2 5.5h8.5v8.5H2z',
  more: 'M4 6.5l4 4 4-4',
  closed: 'M6 4l4 4-4 4',
  close: 'M3.5 3.5l9 9m0-9l-9 9',
  search: 'M7 2a5 5 0 1 0 0 10A5 5 0 0 0 7 2zM10.7 10.7L14.5 14.5',
  sun: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1v1.5m0 11V15M1 8h1.5m11 0H15M3 3l1.1 1.1m7.8 7.8L13 13M3 13l1.1-1.1m7.8-7.8L13 3',
  moon: 'M13.5 9.8A6 6 0 0 1 6.2 2.5a6 6 0 1 0 7.3 7.3z',
  system: 'M1.5 2.5h13v9h-13zM5.5 14h5',
  help: 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM6 6.2c0-1.2.9-2 2-2s2 .8 2 1.8c0 1.5-2 1.5-2 3m0 1.8v.5',
  overview: 'M2 2.5h5v5H2zM9 2.5h5v3H9zM9 7.5h5v6H9zM2 9.5h5v4H2z',
  jobs: 'M2 3.5h12M2 8h12M2 12.5h12',
  dlq: 'M2.5 5.5h11v8.5h-11zM1.5 2.5h13v3h-13zM6 8.5h4',
  workers: 'M2 2.5h12v4H2zM2 9.5h12v4H2zM4.5 4.5h.5m-.5 7h.5',
  schedules: 'M2 3.5h12v10.5H2zM2 6.5h12M5 1.5v3.5m6-3.5v3.5',
  enqueue: 'M8 2.5v11M2.5 8h11',
  workflows: 'M1.5 6h4v4h-4zM10.5 1.5h4v4h-4zM10.5 10.5h4v4h-4zM5.5 8h2.5M10.5 3.5H8v9h2.5',
  operations: 'M2 3.5h9M2 8h9M2 12.5h5M10.5 11.5l2 2 3-4',
  limits: 'M2 12.5a6.5 6.5 0 1 1 12 0M8 10.5l3-4',
  audit: 'M3 1.5h10v13H3zM5.5 5h5m-5 3h5m-5 3h3',
  edit: 'M10.5 2.5l3 3-8 8-3.5.5.5-3.5z',
  retry: 'M13.5 8a5.5 5.5 0 1 1-1.7-4M13.5 1.5v3.5H10',
} as const;

export type IconName = keyof typeof paths;

export function Icon({name}: {name: IconName}) {
  const filled = name === 'active';
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" fill={filled ? 'currentColor' : 'none'} stroke="currentColor" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round">
      <path d={paths[name]} />
    </svg>
  );
}
