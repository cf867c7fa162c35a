import {Empty} from '../../parts/empty';
import {href} from '../../state/place';

export function Missing() {
  return (
    <>
      <h1 class="visually-hidden" tabIndex={-1}>Not found</h1>
      <Empty icon="search" title="There is no such screen"><p>The <a href={href()}>overview</a> leads to all of them.</p></Empty>
    </>
  );
}
