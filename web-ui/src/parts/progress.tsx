export function Progress({value, message}: {value: number; message: string | null | undefined}) {
  return (
    <div class="progress">
      <progress max={100} value={value} aria-label="Progress" />
      <span class="num">{Math.round(value * 10) / 10} %</span>
      {message && <span class="muted clip">{message}</span>}
    </div>
  );
}
