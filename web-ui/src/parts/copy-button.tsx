import {copy} from '../state/toasts';
import {Icon} from './icons';

/// what: "the id"
export function CopyButton({text, what, label}: {text: string | (() => string); what: string; label?: string}) {
  return (
    <button type="button" class={label ? 'button small' : 'icon-button'} title={`Copy ${what}`} aria-label={`Copy ${what}`} onClick={() => void copy(typeof text === 'string' ? text : text(), what)}>
      <Icon name="copy" />
      {label}
    </button>
  );
}
