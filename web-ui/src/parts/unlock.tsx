// The broker wants a token. It is kept for this tab only.
import {useState} from 'preact/hooks';

import {token, unlock} from '../api/http';

export function Unlock() {
  const [typed, setTyped] = useState('');
  return (
    <main class="unlock" id="content">
      <form class="panel" onSubmit={(event) => { event.preventDefault(); unlock(typed.trim()); }}>
        <h1 tabIndex={-1}>This broker asks for a token</h1>
        <p class="muted">{token.value ? 'The last one was not right. ' : ''}It is what <code>--token-file</code> or <code>PAWL_TOKEN</code> gave to pawld. This tab keeps it until it is closed.</p>
        <label class="field">
          <span>Token</span>
          <input type="password" autocomplete="current-password" value={typed} onInput={(event) => setTyped(event.currentTarget.value)} />
        </label>
        <button type="submit" class="button primary" disabled={!typed.trim()}>Go on</button>
      </form>
    </main>
  );
}
