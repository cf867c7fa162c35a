import {useState} from 'preact/hooks';

import {ActionButton} from '../../parts/action-button';
import {Dialog} from '../../parts/dialog';
import type {Action} from '../../state/actions';

/// Asks why a queue or a group is paused.
export function PauseDialog({what, action, close, then}: {what: string; action: (reason: string) => Action; close: () => void; then: () => void}) {
  const [reason, setReason] = useState('');
  return (
    <Dialog title={`Pause ${what}`} close={close}>
      <p>No more of its jobs are handed out; running ones go on. Others see the reason here and in <code>pawl why</code>.</p>
      <label class="field">
        <span>Reason</span>
        <input value={reason} maxLength={200} placeholder="database upgrade" autofocus onInput={(event) => setReason(event.currentTarget.value)} />
      </label>
      <footer>
        <span class="grow" />
        <button type="button" class="button" onClick={close}>Leave it</button>
        <ActionButton action={action(reason.trim())} icon="paused" kind="primary" then={() => { close(); then(); }} />
      </footer>
    </Dialog>
  );
}
