// A job's state: an icon, a word and a colour that say the same.
import type {Status} from '../api/types';
import {Icon} from './icons';

export function StateBadge({status, note}: {status: Status; note?: string}) {
  return (
    <span class={`badge state-${status}`}>
      <Icon name={status} />
      {status}
      {note && <span class="note">{note}</span>}
    </span>
  );
}

export function PausedBadge({reason}: {reason: string | null}) {
  return (
    <span class="badge state-paused" title={reason ?? undefined}>
      <Icon name="paused" />
      paused{reason && <span class="note clip">{reason}</span>}
    </span>
  );
}
