// The form's request in other words, each to be copied and run as it stands.
import {useState} from 'preact/hooks';

import {Code} from '../../parts/empty';
import {brokerAddress} from '../../state/actions';
import {curlOf, draftCall, draftCpp, draftPawl, draftPython, draftTypeScript, pawlOf, type Draft} from '../../text/commands';

export function Snippets({draft}: {draft: Draft}) {
  const [at, setAt] = useState('curl');
  const broker = brokerAddress();
  const pawl = draftPawl(draft);
  const texts: [string, string | null][] = [
    ['curl', curlOf(draftCall(draft), broker)],
    ['pawl', pawl && pawlOf(pawl, broker)],
    ['C++', draftCpp(draft, broker)],
    ['TypeScript', draftTypeScript(draft, broker)],
    ['Python', draftPython(draft, broker)],
  ];
  const text = texts.find(([name]) => name === at)![1];
  return (
    <section class="panel" aria-label="The same as a command">
      <header>
        <h2>The same as</h2>
        <div class="segments" role="group" aria-label="Language">
          {texts.map(([name]) => <button type="button" key={name} aria-pressed={name === at} onClick={() => setAt(name)}>{name}</button>)}
        </div>
      </header>
      <div class="snippet">
        {text !== null ? <Code text={text} what={`the ${at} snippet`} /> : <p class="muted">It has no words for all that this job holds; curl has.</p>}
      </div>
    </section>
  );
}
