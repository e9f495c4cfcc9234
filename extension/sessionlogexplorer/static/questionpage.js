// What pages have in common that ask one question and show its answer.

import {render} from './vendor/lit-html.js';
import {ask} from './api.js';
import {apiParams} from './view.js';

export class QuestionPage {
  constructor(host, app) {
    this.host = host;
    this.app = app;
  }

  // askAnew draws the answer to the view, and until then the one before as stale. It tells whether there is one.
  async askAnew(path) {
    this.asking?.abort();
    this.asking = new AbortController();
    const {signal} = this.asking;
    this.isStale = true;
    this.draw();
    try {
      this.answer = await ask(path, apiParams(this.view), signal);
      this.error = null;
    } catch (error) {
      if (signal.aborted) return false;
      this.error = error;
    }
    this.isStale = false;
    this.draw();
    return !this.error;
  }

  draw() {
    render(this.template(), this.host);
  }

  close() {
    this.asking?.abort();
  }
}
