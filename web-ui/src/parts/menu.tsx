// A button with a list of further actions. Arrow keys move, Escape closes.
import type {ComponentChildren} from 'preact';
import {useEffect, useRef, useState} from 'preact/hooks';

import {Icon} from './icons';

export interface MenuItem {
  text: string;
  run: () => void;
}

export function Menu({label, title, items, class: name = 'button'}: {label?: ComponentChildren; title: string; items: MenuItem[]; class?: string}) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  // Fixed to the window, so that a table that scrolls does not cut it off.
  const [place, setPlace] = useState({});

  useEffect(() => {
    if (!open) return;
    root.current?.querySelector<HTMLElement>('[role=menuitem]')?.focus();
    const outside = (event: Event) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false);
    };
    const shut = () => setOpen(false);
    document.addEventListener('pointerdown', outside);
    document.addEventListener('scroll', shut, true);
    return () => {
      document.removeEventListener('pointerdown', outside);
      document.removeEventListener('scroll', shut, true);
    };
  }, [open]);

  const toggle = () => {
    const {right, bottom, top} = root.current!.getBoundingClientRect();
    const below = innerHeight - bottom;
    setPlace({right: `${Math.max(8, document.documentElement.clientWidth - Math.max(right, 190))}px`, ...(below > 120 ? {top: `${bottom + 4}px`} : {bottom: `${innerHeight - top + 4}px`})});
    setOpen(!open);
  };
  const close = () => {
    setOpen(false);
    root.current?.querySelector('button')?.focus();
  };
  const move = (event: KeyboardEvent) => {
    if (!open) return;
    const all = [...root.current!.querySelectorAll<HTMLElement>('[role=menuitem]')];
    const at = all.indexOf(document.activeElement as HTMLElement);
    if (event.key === 'Escape' || event.key === 'Tab') close();
    else if (event.key === 'ArrowDown') all[(at + 1) % all.length]?.focus();
    else if (event.key === 'ArrowUp') all[(at + all.length - 1) % all.length]?.focus();
    else return;
    if (event.key !== 'Tab') event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div class="menu" ref={root} onKeyDown={move}>
      <button type="button" class={name} aria-haspopup="menu" aria-expanded={open} aria-label={label ? undefined : title} title={title} onClick={toggle}>
        {label}
        <Icon name="more" />
      </button>
      {open && (
        <div class="menu-list" role="menu" aria-label={title} style={place}>
          {items.map((item) => (
            <button type="button" role="menuitem" tabIndex={-1} key={item.text} onClick={() => { close(); item.run(); }}>
              {item.text}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
