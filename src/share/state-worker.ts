/** Entry point of the worker that reads or writes one state file. */
import { toWireError } from '../protocol/wire-error.ts';
import { ReadingState } from './read-job.ts';
import type { OpenCommand, ReadJob, WorkerMessage, WriteJob } from './worker-protocol.ts';
import { writeState } from './write-job.ts';

const post = (message: WorkerMessage) => postMessage(message);
let reading: Promise<ReadingState> | undefined;

async function handle(command: WriteJob | ReadJob | OpenCommand): Promise<void> {
  switch (command.type) {
    case 'write':
      return writeState(command, (progress) => post({ type: 'write-progress', progress }));
    case 'read':
      reading = ReadingState.open(command, post);
      await reading;
      return;
    case 'open':
      return (await reading)?.send(command);
  }
}

addEventListener('message', ({ data }: MessageEvent<WriteJob | ReadJob | OpenCommand>) => {
  handle(data).catch((thrown) => post({ type: 'failed', error: toWireError(thrown) }));
});
