/** Lists the commands and how to use them. */
import { HoldfastError } from '../../errors.ts';
import { signatureText } from '../arguments.ts';
import type { Command } from '../command.ts';

const topicPrefix = 'info ';

export const help: Command = {
  names: ['help', '?'],
  parameters: [
    { name: 'command', kind: 'command', optional: true },
    { name: 'topic', kind: 'topic', optional: true },
  ],
  help: 'show the help',
  run: async ({ commands }, args) => {
    const name = args.optional('command');
    if (name === undefined) {
      const plain = commands.filter(({ names }) => !names[0].startsWith(topicPrefix));
      return [
        ...plain.map(helpLine),
        "info [topic] -- show various information: 'help info'",
      ].sort();
    }
    const topic = args.optional('topic');
    if (name === 'info' && topic === undefined) return topicLines(commands);
    const wanted = topic === undefined ? name : `${name} ${topic}`;
    const found = commands.find(({ names }) => names.includes(wanted));
    if (found) return [helpLine(found)];
    throw new HoldfastError('bad-command', `unknown command: '${wanted}'`);
  },
};

/** Returns a line for every `info` command. */
export function topicLines(commands: readonly Command[]): string[] {
  return commands.filter(({ names }) => names[0].startsWith(topicPrefix)).map(helpLine);
}

function helpLine(command: Command): string {
  const signature = signatureText(command);
  return `${command.names.join('|')}${signature ? ` ${signature}` : ''} -- ${command.help}`;
}
