// Keys that work everywhere. A page may take a key first, by its own key method.

import {html, render} from './vendor/lit-html.js';
import {linkTo} from './view.js';

const switchKey = 'sessionlog.keys';
const pairTime = 1000;

const keyList = [
  ['/', 'to the search box'], ['j', 'next row'], ['k', 'row before'], ['Enter', 'details of the row'], ['Esc', 'close'],
  ['[', 'earlier'], [']', 'later'], ['z', 'twice the range'], ['l', 'follow live'], ['r', 'ask again'],
  ['g n', 'Now'], ['g s', 'Search'], ['g w', 'New'], ['g i', 'Inventory'], ['?', 'these keys'],
];
const targets = {n: '/now', s: '/search', w: '/new', i: '/inventory'};

const isOn = () => localStorage.getItem(switchKey) !== 'off';

export function keysDialog(host) {
  const switchKeys = event => (event.target.checked ? localStorage.removeItem(switchKey) : localStorage.setItem(switchKey, 'off'));
  render(html`<dialog aria-labelledby="keys-title"><form method="dialog">
    <h2 id="keys-title">Keys</h2>
    <dl class="keys">${keyList.map(([key, words]) => html`<div><dt>${key.split(' ').map(k => html`<kbd>${k}</kbd> `)}</dt><dd>${words}</dd></div>`)}</dl>
    <p><label><input type="checkbox" .checked=${isOn()} @change=${switchKeys}> Single letters are keys</label></p>
    <p class="links"><button type="submit" class="primary">Close</button></p></form></dialog>`, host);
  host.querySelector('dialog').showModal();
}

const isTyping = target => target.closest?.('input, textarea, select, [contenteditable]') !== null;

export function listenToKeys(app, over) {
  let first = {key: '', at: 0};
  document.addEventListener('keydown', event => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || document.querySelector('dialog[open]')) return;
    if (event.key === 'Escape') {
      const menu = document.querySelector('details.menu[open]');
      if (menu) {
        menu.open = false;
        menu.querySelector('summary').focus();
        return;
      }
    }
    if (isTyping(event.target) || (event.key.length === 1 && !isOn())) return;
    const isSecond = first.key === 'g' && Date.now() - first.at < pairTime;
    first = {key: event.key, at: Date.now()};
    if (isSecond && targets[event.key]) {
      app.go(linkTo(app.view, targets[event.key]));
    } else if (event.key === '?') {
      keysDialog(over);
    } else if (!app.page?.key?.(event)) {
      if (event.key !== '/') return;
      app.go(linkTo(app.view, '/search')).then(() => document.getElementById('searchbox')?.focus());
    }
    event.preventDefault();
  });
}
