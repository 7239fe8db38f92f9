/**
 * Reads a state of this site for a keeper that may want it (src/protocol/preload.ts). Runs in a worker
 * that was started before the page's own script.
 */
import type { PreloadedState, PreloadedStateAnswer } from '../protocol/preload.ts';
import { reachedFile, toBeAsked } from '../protocol/reach.ts';
import { badState } from './format/bad-state.ts';
import { checkConfig } from './portable-config.ts';
import { ReadingState } from './read-job.ts';
import type { RequestFile } from './sources/preload-fetch.ts';
import type { PreloadJob, WorkerMessage } from './worker-protocol.ts';

export async function preloadState(
  job: PreloadJob,
  post: (message: WorkerMessage) => void,
  request?: RequestFile,
): Promise<void> {
  const { keeper } = job;
  const answered = new Promise<boolean>((resolve) => {
    keeper.addEventListener('message', ({ data }: MessageEvent<PreloadedStateAnswer>) =>
      resolve(data.opened),
    );
    keeper.start();
  });
  const sending = sendPreloaded(job, request).catch((thrown) => {
    // The page opens it again itself, and shows the error.
    console.warn('A state could not be read ahead of its page:', thrown);
    keeper.postMessage(null);
  });
  const opened = await answered;
  if (opened) await sending;
  post({ type: 'preload-answered', opened });
}

async function sendPreloaded(
  { url, siteUrl, runtime, config, stallMs, keeper }: PreloadJob,
  request: RequestFile | undefined,
) {
  let reading: ReadingState | undefined;
  // Progress is not needed yet, and no approval for more memory is possible.
  const post = ({ type }: WorkerMessage) => {
    if (type === 'more') queueMicrotask(() => reading?.answerMore(false));
  };
  reading = await ReadingState.open({ source: { url }, stallMs }, post, request);
  const { state } = reading.head;
  const checked = checkConfig(state.config, siteUrl);
  const urls = [...checked.urls, reachedFile('base', state.base?.url ?? url, siteUrl)];
  if (state.base || checked.carried.size > 0 || toBeAsked(urls).length > 0)
    throw badState('This state needs more than itself.');
  // A clone gets a new address for its network card, and a new lineage.
  const { mac: _mac, lineage: _lineage, ...rest } = checked.config;
  const { port1, port2 } = new MessageChannel();
  const wanted = {
    config: { ...rest, ...config },
    runtime,
    ranges: state.ranges,
    identity: 'clone',
  } as const;
  keeper.postMessage({ request: wanted, guest: port2 } satisfies PreloadedState, [port2]);
  await reading.send({ guest: port1, publishedAt: url, carried: new Map() });
}
