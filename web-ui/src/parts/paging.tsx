// Newer and older pages. The cursor of the page is in the URL, and the back button goes back.
import {place, relist} from '../state/place';

export function Paging({nextCursor}: {nextCursor: string | null}) {
  const cursor = place.value.query.get('cursor');
  if (!cursor && !nextCursor) return null;
  return (
    <nav class="paging" aria-label="Pages">
      <button type="button" class="button" disabled={!cursor} onClick={() => relist({})}>First page</button>
      <button type="button" class="button" disabled={!nextCursor} onClick={() => nextCursor && relist({cursor: nextCursor})}>Next page</button>
    </nav>
  );
}
