import {version} from '../state/broker';
import {bindings, openDialog, toggleShortcuts} from '../state/keys';
import {actor, shortcuts} from '../state/preferences';
import {href} from '../state/place';
import {Dialog} from './dialog';

export function Help() {
  const rows = [{keys: 'Ctrl K', does: 'Find or do something'}, ...bindings.value];
  return (
    <Dialog title="Keyboard" close={() => (openDialog.value = null)}>
      <table class="keys">
        <thead class="visually-hidden"><tr><th scope="col">Key</th><th scope="col">What it does</th></tr></thead>
        <tbody>
          {rows.map(({keys, does}) => (
            <tr key={keys}><td>{keys.split(' ').map((key) => <kbd key={key}>{key}</kbd>)}</td><td>{does}</td></tr>
          ))}
        </tbody>
      </table>
      <label class="field">
        <span>Your name, for the audit log</span>
        <input autocomplete="username" maxLength={128} value={actor.value} onInput={(event) => (actor.value = event.currentTarget.value.replace(/[^\x20-\x7e]/g, ''))} />
      </label>
      <label class="check">
        <input type="checkbox" checked={shortcuts.value === 'on'} onChange={toggleShortcuts} />
        Single keys are shortcuts
      </label>
      <p class="muted small-text">Pawl {version.value}. Every number on these pages comes from <a href={href('api')} onClick={() => (openDialog.value = null)}>the API</a>.</p>
    </Dialog>
  );
}
