// What an empty screen says: what would be here, and a command that brings it.
import type {ComponentChildren} from 'preact';

import {CopyButton} from './copy-button';
import {Icon, type IconName} from './icons';

export function Empty({icon, title, children, command}: {icon: IconName; title: string; children?: ComponentChildren; command?: string}) {
  return (
    <div class="empty">
      <span class="empty-icon"><Icon name={icon} /></span>
      <h2>{title}</h2>
      {children && <div class="prose">{children}</div>}
      {command && <Code text={command} what="the command" />}
    </div>
  );
}

export function Code({text, what}: {text: string; what: string}) {
  return (
    <div class="code">
      <pre tabIndex={0} aria-label={what}>{text}</pre>
      <CopyButton text={text} what={what} />
    </div>
  );
}
