import {dismiss, toasts} from '../state/toasts';
import {CopyButton} from './copy-button';
import {Icon} from './icons';
import {copyOf, ProblemText} from './problem';

export function Toaster() {
  return (
    <div class="toasts" role="region" aria-label="Notices">
      {toasts.value.map(({id, text, failure, link}) => (
        <div class={failure ? 'toast bad' : 'toast'} key={id} role={failure ? 'alert' : 'status'}>
          <Icon name={failure ? 'alert' : 'completed'} />
          <div>
            {failure ? <ProblemText failure={failure} /> : text}
            {link && <> <a href={link.href}>{link.text}</a></>}
          </div>
          {failure && <CopyButton text={() => copyOf(failure)} what="the error" />}
          <button type="button" class="icon-button" aria-label="Dismiss" onClick={() => dismiss(id)}><Icon name="close" /></button>
        </div>
      ))}
    </div>
  );
}
