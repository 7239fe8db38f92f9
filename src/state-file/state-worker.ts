/**
 * Entry point of the worker that reads or writes one state file, and of its compression workers.
 */
import { toWireError } from '../protocol/wire-error.ts';
import { loadCodec } from './format/codec.ts';
import { compressed } from './format/frame.ts';
import { openReading, type Reading } from './open-reading.ts';
import { preloadState } from './preload-job.ts';
import { preloadFetch } from './sources/preload-fetch.ts';
import type {
  CompressJob,
  EndCommand,
  MoreAnswer,
  OpenCommand,
  PreloadJob,
  ReadJob,
  WorkerMessage,
  WriteJob,
} from './worker-protocol.ts';
import { writeState } from './write-job.ts';

type Command =
  | WriteJob
  | ReadJob
  | OpenCommand
  | PreloadJob
  | CompressJob
  | MoreAnswer
  | EndCommand;

const post = (message: WorkerMessage, transfer: Transferable[] = []) =>
  postMessage(message, { transfer });
const { name } = globalThis as { name?: string };
const request = name ? preloadFetch(name) : undefined;
// Every command needs the codec; the command that fails without it reports the error. A waiting
// command goes first, because it may have to wait for a server.
setTimeout(() => loadCodec().catch(() => {}));
let reading: Reading | undefined;

async function handle(command: Command): Promise<void> {
  switch (command.type) {
    case 'write':
      await writeState(command, (progress) => post({ type: 'write-progress', progress }));
      return post({ type: 'written' });
    case 'compress':
      return compress(command);
    case 'preload':
      return preloadState(command, post, request);
    case 'read':
      reading = await openReading(command, post);
      return;
    case 'open':
      return reading?.send(command);
    case 'more-answer':
      return reading?.answerMore(command.isAllowed);
    case 'end':
      reading?.giveUp();
      return post({ type: 'ended' });
  }
}

async function compress({ raw, level }: CompressJob): Promise<void> {
  const stored = compressed(raw, await loadCodec(), level);
  post({ type: 'compressed', stored }, [stored.bytes.buffer]);
}

addEventListener('message', ({ data }: MessageEvent<Command>) => {
  handle(data).catch((thrown) => post({ type: 'failed', error: toWireError(thrown) }));
});
