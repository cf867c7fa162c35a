// A modal dialog on the browser's own: focus stays inside, Escape closes.
import type {ComponentChildren} from 'preact';
import {useId, useLayoutEffect, useRef} from 'preact/hooks';

import {Icon} from './icons';

export function Dialog({title, close, wide, children}: {title: string; close: () => void; wide?: boolean; children: ComponentChildren}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  // At once: until then keys would go to the page behind, and the focus with them.
  useLayoutEffect(() => {
    const element = dialog.current!;
    const before = document.activeElement as HTMLElement | null;
    element.showModal();
    return () => {
      element.close();
      before?.focus();
    };
  }, []);
  const outside = (event: MouseEvent) => {
    if (event.target === dialog.current) close();
  };
  return (
    <dialog ref={dialog} class={wide ? 'wide' : undefined} aria-labelledby={heading} onCancel={(event) => { event.preventDefault(); close(); }} onMouseDown={outside}>
      <div class="dialog-body">
        <header>
          <h2 id={heading}>{title}</h2>
          <button type="button" class="icon-button" aria-label="Close" onClick={close}><Icon name="close" /></button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
