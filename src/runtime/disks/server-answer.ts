/** Answers that servers send in place of a file. */
import { TransientError } from './retry.ts';

export const webPage =
  'the server sent a web page in its place, as many do for a file that they do not have';

const noFile = new Set([404, 410]);

/** Returns true for a web page, which is no image of any kind. */
export const isPageAnswer = ({ headers }: Response) =>
  /^text\/html\b/i.test(headers.get('content-type') ?? '');

/** Returns text for people; a successful answer has none. */
export function statusWords(status: number): string {
  return `the server answered ${status}${noFile.has(status) ? ': it has no such file' : ''}`;
}

/** True for an overloaded server, or a proxy whose server is unreachable. */
const mayPass = (status: number) => status >= 500 || status === 429 || status === 408;

/** @throws Error with the answer's status; {@link TransientError} if it may change soon */
export function requireFile(response: Response): void {
  const { ok, status } = response;
  if (!ok && mayPass(status)) throw new TransientError(statusWords(status));
  if (!ok) throw new Error(statusWords(status));
  if (isPageAnswer(response)) throw new Error(webPage);
}
