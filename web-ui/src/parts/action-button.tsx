// A button that does something, beside it the same as a command to copy. What cannot be undone asks first.
import type {ComponentChildren} from 'preact';
import {useState} from 'preact/hooks';

import type {Answer} from '../api/http';
import {carryOut, commandsOf, type Action} from '../state/actions';
import {copy} from '../state/toasts';
import {Dialog} from './dialog';
import {Icon, type IconName} from './icons';
import {Menu} from './menu';

export interface Question {
  title: string;
  text: ComponentChildren;
  /// What must be typed before it goes on, such as the number of jobs.
  typed?: string;
}

interface Props {
  action: Action;
  icon?: IconName;
  kind?: 'primary' | 'danger';
  ask?: Question;
  disabled?: boolean;
  then?: (answer: Answer) => void;
}

export function copyItems(action: Action) {
  return commandsOf(action).map(([name, text]) => ({text: `Copy as ${name}`, run: () => void copy(text, `the ${name} command`)}));
}

export function ActionButton({action, icon, kind, ask, disabled, then}: Props) {
  const [asking, setAsking] = useState(false);
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setAsking(false);
    setBusy(true);
    const answer = await carryOut(action);
    setBusy(false);
    if (answer) then?.(answer);
  };
  return (
    <span class="split">
      <button type="button" class={`button ${kind ?? ''}`} disabled={disabled || busy} onClick={() => (ask ? setAsking(true) : void run())}>
        {icon && <Icon name={icon} />}
        {action.label}
      </button>
      <Menu class={`button caret ${kind ?? ''}`} title={`${action.label}: copy as command`} items={copyItems(action)} />
      {asking && ask && <Confirm action={action} question={ask} kind={kind} close={() => setAsking(false)} run={run} />}
    </span>
  );
}

export function Confirm({action, question, kind, close, run}: {action: Action; question: Question; kind?: string; close: () => void; run: () => void}) {
  const [typed, setTyped] = useState('');
  const ready = !question.typed || typed.replace(/[\s,]/g, '') === question.typed;
  return (
    <Dialog title={question.title} close={close}>
      <form onSubmit={(event) => { event.preventDefault(); if (ready) run(); }}>
        <div class="prose">{question.text}</div>
        {question.typed && (
          <label class="field">
            <span>Type <strong>{question.typed}</strong> to go on</span>
            <input value={typed} inputMode="numeric" autocomplete="off" onInput={(event) => setTyped(event.currentTarget.value)} />
          </label>
        )}
        <footer>
          {copyItems(action).map((item) => <button type="button" class="button small quiet" key={item.text} onClick={item.run}>{item.text}</button>)}
          <span class="grow" />
          <button type="button" class="button" onClick={close}>Leave it</button>
          <button type="submit" class={`button ${kind ?? 'primary'}`} disabled={!ready}>{action.label}</button>
        </footer>
      </form>
    </Dialog>
  );
}
