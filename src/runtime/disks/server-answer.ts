/** What servers answer in place of a file. */
import { TransientError } from './retry.ts';

export const webPage =
  'the server sent a web page in its place, as many do for a file that they do not have';

const noFile = new Set([404, 410]);

/** Whether this is the page of a site, and no image of any kind. */
export const isPageAnswer = ({ headers }: Response) =>
  /^text\/html\b/i.test(headers.get('content-type') ?? '');

/** For people; an answer that is good has no such words. */
export function statusWords(status: number): string {
  return `the server answered ${status}${noFile.has(status) ? ': it has no such file' : ''}`;
}

/** A server that is overloaded, or a proxy whose server is away. */
const mayPass = (status: number) => status >= 500 || status === 429 || status === 408;

/** @throws Error that says what was answered; {@link TransientError} where that may be another soon */
export function requireFile(response: Response): void {
  const { ok, status } = response;
  if (!ok && mayPass(status)) throw new TransientError(statusWords(status));
  if (!ok) throw new Error(statusWords(status));
  if (isPageAnswer(response)) throw new Error(webPage);
}
