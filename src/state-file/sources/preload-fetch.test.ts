import { afterEach, expect, test, vi } from 'vitest';
import { fetchState } from './fetch-state.ts';
import { preloadFetch } from './preload-fetch.ts';

const url = 'https://x.test/prompt.holdfast';

afterEach(() => vi.unstubAllGlobals());

function stubFetch(answer: (signal: AbortSignal) => Promise<Response>) {
  const asked: string[] = [];
  vi.stubGlobal('location', { origin: 'https://x.test' });
  vi.stubGlobal('fetch', (address: string, { signal }: { signal: AbortSignal }) => {
    asked.push(address);
    return answer(signal);
  });
  return asked;
}

test('a state is fetched once, before it is asked for', async () => {
  const asked = stubFetch(async () => new Response('state'));
  const request = preloadFetch(url);
  expect(asked).toEqual([url]);
  const { bytes } = await fetchState(url, 1000, undefined, request);
  let text = '';
  for await (const chunk of bytes) text += new TextDecoder().decode(chunk);
  expect([text, asked]).toEqual(['state', [url]]);
});

test('another state, and the same a second time, are fetched anew', async () => {
  const asked = stubFetch(async () => new Response('state'));
  const request = preloadFetch(url);
  for (const address of ['https://x.test/base', url, url])
    await fetchState(address, 1000, undefined, request);
  expect(asked).toEqual([url, 'https://x.test/base', url]);
});

test('a server that does not answer is given up after the same time', async () => {
  const answer = (signal: AbortSignal) =>
    new Promise<Response>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });
  stubFetch(answer);
  await expect(fetchState(url, 1, undefined, preloadFetch(url))).rejects.toMatchObject({
    code: 'state-unavailable',
    message: expect.stringContaining('sent nothing'),
  });
});
