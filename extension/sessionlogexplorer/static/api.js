// Questions to the explorer's API. Where it wants a token, the reader is asked once, and the token is kept for this tab.

const root = '/api/v1';
const tokenKey = 'sessionlog.token';
const tailPause = 1000;

export class AskError extends Error {
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}

let askForToken = () => Promise.reject(new AskError(401, 'The explorer asks for a token.'));
let waitingForToken = null;

// onToken takes a function that asks the reader for a token; refused tells that the last one was not right.
export function onToken(ask) {
  askForToken = ask;
}

export const hasToken = () => sessionStorage.getItem(tokenKey) !== null;

export function forgetToken() {
  sessionStorage.removeItem(tokenKey);
}

function tokenHeaders() {
  const token = sessionStorage.getItem(tokenKey);
  return token === null ? {} : {Authorization: `Bearer ${token}`};
}

// A page asks several questions at once: one dialog serves all of them.
async function newToken(used) {
  if (sessionStorage.getItem(tokenKey) !== used) return;
  waitingForToken ??= askForToken(used !== null).finally(() => {
    waitingForToken = null;
  });
  sessionStorage.setItem(tokenKey, await waitingForToken);
}

async function request(path, params, signal) {
  const query = String(params ?? '');
  for (;;) {
    const used = sessionStorage.getItem(tokenKey);
    let response;
    try {
      response = await fetch(root + path + (query && '?' + query), {headers: tokenHeaders(), signal, credentials: 'same-origin'});
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw new AskError(0, 'The explorer does not answer. Is the collector running?');
    }
    if (response.ok) return response;
    if (response.status !== 401) throw new AskError(response.status, await sentenceOf(response));
    await newToken(used);
  }
}

async function sentenceOf(response) {
  try {
    const {error} = await response.clone().json();
    if (error) return error;
  } catch {
    // not JSON: a proxy in between
  }
  return `The explorer answered ${response.status} ${response.statusText}.`;
}

export async function ask(path, params, signal) {
  const response = await request(path, params, signal);
  return response.json();
}

export const addressOf = (path, params) => root + path + '?' + params;

// download saves an answer as a file. A link cannot carry a token, so with one the answer goes through memory.
export async function download(path, params, name) {
  const response = await request(path, params);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(await response.blob());
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// tail yields events that come after opened was called. The explorer ends it now and then, so that a token that counts no more is noticed: it is
// asked for again.
export async function* tail(params, signal, opened) {
  while (!signal.aborted) {
    try {
      const response = await request('/tail', params, signal);
      await opened?.();
      for await (const event of lines(response.body)) if (event.record_id) yield event;
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    await new Promise(done => setTimeout(done, tailPause));
  }
}

// lines yields the objects of a body that has one JSON object a line.
async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const {value, done} = await reader.read();
    if (done) return;
    const parts = (rest + value).split('\n');
    rest = parts.pop();
    for (const line of parts) if (line.trim()) yield JSON.parse(line);
  }
}
