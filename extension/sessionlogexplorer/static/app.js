// The frame around the pages: addresses, the switches at the top, keys, and the dialog for a token.

import {html, nothing, render} from './vendor/lit-html.js';
import {ask, onToken} from './api.js';
import {errorNote} from './values.js';
import {changed, linkTo, viewOf, zoneOf} from './view.js';
import {readersZone} from './times.js';
import {keysDialog, listenToKeys} from './keys.js';

const pages = {
  now: () => import('./pages/now.js'),
  search: () => import('./pages/search.js'),
  session: () => import('./pages/session.js'),
  user: () => import('./pages/subject.js'),
  address: () => import('./pages/subject.js'),
  inventory: () => import('./pages/inventory.js'),
  new: () => import('./pages/new.js'),
};
const titles = {now: 'Now', search: 'Search', session: 'Session', user: 'User', address: 'Address', inventory: 'Inventory', new: 'New'};

const main = document.getElementById('main');
const over = document.getElementById('over');

const app = {
  view: viewOf(location.href),
  page: null,
  config: null,
  // go changes the address and shows what stands there.
  go(address, {replace = false} = {}) {
    history[replace ? 'replaceState' : 'pushState'](null, '', address);
    return show();
  },
  // say tells assistive technology what has happened.
  say(text) {
    document.getElementById('said').textContent = text;
  },
  title(subject) {
    document.title = `${subject ? `${subject} · ` : ''}${titles[app.view.page] ?? ''} · sessionlog`;
  },
};

let shown = {key: '', host: null};

async function show() {
  const view = viewOf(location.href);
  app.view = view;
  showSwitches();
  try {
    const load = pages[view.page];
    if (!load) throw new Error(`There is no page ${view.path}.`);
    const [{Page}, config] = await Promise.all([load(), app.config ?? ask('/config')]);
    app.config = config;
    if (app.view !== view) return;
    enter(view, Page);
    app.title('');
    await app.page.open(view);
  } catch (error) {
    leave();
    const host = document.createElement('div');
    host.className = 'page';
    render(errorNote(error, () => show()), host);
    main.append(host);
  }
}

// enter keeps the page that is there when only its query changed, so that nothing jumps.
function enter(view, Page) {
  if (shown.key === view.path) return;
  const isFirst = shown.key === '';
  leave();
  shown = {key: view.path, host: document.createElement('div')};
  shown.host.className = `page page-${view.page}`;
  main.replaceChildren(shown.host);
  app.page = new Page(shown.host, app);
  scrollTo(0, 0);
  if (!isFirst) main.focus({preventScroll: true});
}

function leave() {
  app.page?.close?.();
  app.page = null;
  shown = {key: '', host: null};
  main.replaceChildren();
}

function showSwitches() {
  const zone = document.getElementById('zone');
  const isUTC = zoneOf(app.view) === 'UTC';
  zone.textContent = zoneOf(app.view).split('/').pop().replaceAll('_', ' ');
  zone.setAttribute('aria-label', `Times in ${zoneOf(app.view)}: change to ${isUTC ? readersZone : 'UTC'}`);
  zone.hidden = readersZone === 'UTC' && isUTC;
  for (const link of document.querySelectorAll('#nav a')) {
    const page = link.pathname.slice(1);
    link.href = linkTo(app.view, link.pathname);
    page === app.view.page ? link.setAttribute('aria-current', 'page') : link.removeAttribute('aria-current');
  }
}

function switchZone() {
  const isUTC = zoneOf(app.view) === 'UTC';
  app.go(changed(app.view, params => (isUTC ? params.delete('tz') : params.set('tz', 'UTC'))), {replace: true});
}

const themes = ['', 'light', 'dark'];

function showTheme() {
  const theme = document.documentElement.dataset.theme ?? '';
  const button = document.getElementById('theme');
  const words = {'': 'as the system has them', light: 'light', dark: 'dark'}[theme];
  button.setAttribute('aria-label', `Colours: ${words}`);
  button.title = `Colours: ${words}`;
}

function switchTheme() {
  const root = document.documentElement;
  const next = themes[(themes.indexOf(root.dataset.theme ?? '') + 1) % themes.length];
  if (next) root.dataset.theme = next;
  else delete root.dataset.theme;
  next ? localStorage.setItem('theme', next) : localStorage.removeItem('theme');
  showTheme();
}

// followLink turns clicks on links within the explorer into views without a new load of the page.
function followLink(event) {
  const link = event.target.closest?.('a[href]');
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (link.target || link.hasAttribute('download') || link.origin !== location.origin || link.pathname.startsWith('/api/') || link.getAttribute('href').startsWith('#')) return;
  event.preventDefault();
  for (const menu of document.querySelectorAll('details.menu[open]')) menu.open = false;
  app.go(link.pathname === '/' ? '/search' : link.href);
}

async function copyText(event) {
  const button = event.target.closest?.('[data-copy]');
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  app.say('Copied.');
  button.classList.add('copied');
  setTimeout(() => button.classList.remove('copied'), 1200);
}

function closeMenus(event) {
  for (const menu of document.querySelectorAll('details.menu[open]')) if (!menu.contains(event.target)) menu.open = false;
}

function askForToken(wasRefused) {
  return new Promise(resolve => {
    const take = event => {
      event.preventDefault();
      const token = event.target.elements.token.value.trim();
      if (!token) return;
      event.target.closest('dialog').close();
      render(nothing, over);
      resolve(token);
    };
    render(html`<dialog aria-labelledby="token-title" @cancel=${event => event.preventDefault()}><form @submit=${take}>
      <h2 id="token-title">This explorer asks for a token</h2>
      <p>${wasRefused ? 'The token was refused. ' : ''}It is the bearer token that <code>auth</code> of the extension names. It is kept until this tab is closed.</p>
      <label>Token <input type="password" name="token" autocomplete="off" required></label>
      <p class="links"><button type="submit" class="primary">Continue</button></p></form></dialog>`, over);
    over.querySelector('dialog').showModal();
  });
}

onToken(askForToken);
document.getElementById('zone').addEventListener('click', switchZone);
document.getElementById('theme').addEventListener('click', switchTheme);
document.getElementById('help').addEventListener('click', () => keysDialog(over));
document.addEventListener('click', followLink);
document.addEventListener('click', copyText);
document.addEventListener('pointerdown', closeMenus);
addEventListener('popstate', show);
listenToKeys(app, over);
showTheme();
show();
