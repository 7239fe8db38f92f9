/** Entry point of the worker that reads or writes one state file. */
import { toWireError } from '../protocol/wire-error.ts';
import { offerState } from './offer-job.ts';
import { ReadingState } from './read-job.ts';
import type { OfferJob, OpenCommand, ReadJob, WorkerMessage, WriteJob } from './worker-protocol.ts';
import { writeState } from './write-job.ts';

type Command = WriteJob | ReadJob | OpenCommand | OfferJob;

const post = (message: WorkerMessage) => postMessage(message);
let reading: Promise<ReadingState> | undefined;

async function handle(command: Command): Promise<void> {
  switch (command.type) {
    case 'write':
      return writeState(command, (progress) => post({ type: 'write-progress', progress }));
    case 'offer':
      return offerState(command, post);
    case 'read':
      reading = ReadingState.open(command, post);
      await reading;
      return;
    case 'open':
      return (await reading)?.send(command);
  }
}

addEventListener('message', ({ data }: MessageEvent<Command>) => {
  handle(data).catch((thrown) => post({ type: 'failed', error: toWireError(thrown) }));
});
