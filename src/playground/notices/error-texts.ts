/** Titles and advice for each error code. Data only. */
import type { HoldfastErrorCode } from '../../errors.ts';

export type ErrorAction =
  | 'try-again'
  | 'start-fresh'
  | 'reload'
  | 'reconnect'
  | 'move-anyway'
  | 'export-rest'
  | 'resume-here';

/** Words of the page for an error code. */
export interface ErrorWords {
  /** Names what happened, without a full stop. */
  title: string;
  /** State of a guest that runs meanwhile. Left out where no guest was started. */
  guest?: string;
  /** One or two sentences that end in a next step. */
  advice: string;
  /** Replaces `advice` if the server could not be reached at all. */
  unreachable?: string;
  /** Buttons in their order. The first is the best one to try. */
  actions: readonly ErrorAction[];
}

const unsaved = 'The guest keeps running, but it is not saved.';

export const errorTexts: Readonly<Record<HoldfastErrorCode, ErrorWords>> = {
  'unsupported-browser': {
    title: 'This browser cannot run the guest',
    advice: 'Open this page in a current Chromium, Firefox or Safari.',
    actions: [],
  },
  'bad-config': {
    title: 'The machine options are not valid',
    advice: 'Check the options in the address of this page; the help lists them.',
    actions: ['reload'],
  },
  'image-unavailable': {
    title: 'A file the guest boots from could not be loaded',
    advice: 'See the details below, correct the file or its address, then try again.',
    unreachable: 'Check the network connection, then try again.',
    actions: ['try-again', 'reload'],
  },
  'runtime-unavailable': {
    title: 'The emulator could not be loaded',
    advice:
      'Check the network connection, then try again. If the site was updated meanwhile, reload the page.',
    actions: ['try-again', 'reload'],
  },
  'runtime-incompatible': {
    title: 'That emulator cannot take this guest',
    advice: 'Choose another version, or start fresh to use this one.',
    actions: ['start-fresh'],
  },
  'runtime-failed': {
    title: 'The new emulator failed to take over the guest',
    advice: 'Try again, or choose another version.',
    actions: ['try-again', 'start-fresh'],
  },
  'bad-vmstate': {
    title: 'The saved state of the devices is damaged',
    advice: 'Nothing was loaded from it. Try again; if that fails too, start fresh.',
    actions: ['try-again', 'start-fresh'],
  },
  'bad-runstate': {
    title: 'The present state of the guest does not allow this',
    advice: 'Look at its state above; another page may have changed it.',
    actions: ['try-again'],
  },
  busy: {
    title: 'The machine is busy with another operation',
    advice: 'Another page may be starting or updating it. Try again in a moment.',
    actions: ['try-again'],
  },
  'no-machine': {
    title: 'There is no guest any more',
    advice: 'It was removed, perhaps by another page. Start a new one.',
    actions: ['start-fresh'],
  },
  'out-of-memory': {
    title: 'There is not enough memory for this guest',
    advice: 'Close other tabs and try again, or ask for less RAM, for example with ?m=96.',
    actions: ['try-again'],
  },
  'guest-crashed': {
    title: 'The emulator crashed while it ran the guest',
    advice: 'This guest cannot continue. Start fresh to boot a new one.',
    actions: ['start-fresh'],
  },
  'keeper-incompatible': {
    title: 'A version of Holdfast that this page cannot talk to holds the guest',
    advice: 'The guest continues there. Reload this page to get the newest version of it.',
    actions: ['reload'],
  },
  'keeper-moved': {
    title: 'The guest moved to a newer version of Holdfast',
    advice: 'It runs there. This page is too old to follow it: reload the page.',
    actions: ['reload'],
  },
  'keeper-unavailable': {
    title: 'The worker that holds the guest could not be started',
    advice: 'Check the network connection and that this site may run workers, then try again.',
    actions: ['try-again', 'reload'],
  },
  'keeper-gone': {
    title: 'The worker that held the guest is gone',
    advice: 'The browser ended it. Reconnect to see whether a guest is left; if not, one boots.',
    actions: ['reconnect'],
  },
  'keeper-silent': {
    title: 'The worker that holds the guest does not answer',
    advice:
      'It may be overloaded. The guest is probably still there: reconnect to it. If that does not help, quit the browser. A saved guest then continues from its last checkpoint.',
    actions: ['reconnect'],
  },
  blocked: {
    title: 'This machine cannot be saved right now',
    advice: 'The guest keeps running. See the reasons below, remove them, then try again.',
    actions: ['try-again'],
  },
  'wrong-machine': {
    title: 'The state belongs to another machine',
    advice: 'Nothing was loaded from it. Start a machine with the options that the state names.',
    actions: ['try-again'],
  },
  'wrong-disk': {
    title: 'A disk is not the one this state was taken with',
    advice: 'Nothing was loaded. Give the machine the disk that the details below name.',
    actions: ['try-again'],
  },
  'not-found': {
    title: 'There is nothing stored under this name',
    advice: 'Another page may have deleted it. Choose another one.',
    actions: ['try-again'],
  },
  'file-needed': {
    title: 'A file of your computer is needed again',
    advice:
      'Large files that a machine was started with are not stored with it. Open the machine and choose the file again: the guest then continues.',
    actions: ['try-again'],
  },
  'storage-unavailable': {
    title: 'The browser gives this site no storage',
    guest: 'The guest keeps running, but is lost when the browser ends.',
    advice: 'Leave private browsing or allow storage for this site, then try again.',
    actions: ['try-again'],
  },
  'storage-blocked': {
    title: 'The storage of this site does not open',
    guest: unsaved,
    advice: 'Close the other pages of this site, or restart the browser, then try again.',
    actions: ['try-again'],
  },
  'storage-newer': {
    title: 'A newer version of this site has converted its storage',
    guest: unsaved,
    advice:
      'Close the other pages of this site, then reload this page to get that version. It resumes the guest as it was last saved.',
    actions: ['reload'],
  },
  'guest-over-limit': {
    title: 'The guest has reached one of its limits',
    advice: 'The details name it. Resume the guest if it was paused, or delete something in it.',
    actions: ['try-again'],
  },
  'storage-full': {
    title: 'The storage of this site is full',
    guest: unsaved,
    advice: 'Delete machines you no longer need or free disk space, then try again.',
    actions: ['try-again'],
  },
  'storage-reserved': {
    title: 'A machine from a link or file may take no more storage',
    guest: unsaved,
    advice:
      'The remaining storage is for machines of your own. Keep this one as yours, or delete others that came from links or files.',
    actions: ['try-again'],
  },
  'storage-failing': {
    title: 'The disk of this computer is full, or fails',
    guest: `${unsaved} Earlier checkpoints are kept.`,
    advice: 'Free disk space: saving resumes by itself.',
    actions: ['try-again'],
  },
  'storage-occupied': {
    title: 'Another guest is in storage in its place',
    advice:
      'The stored guest could not be read, or was left alone, when this one was started. Both are safe: resume the stored one, or save this one in its place.',
    actions: ['try-again'],
  },
  'storage-damaged': {
    title: 'The stored guest is damaged',
    advice:
      'None of its checkpoints can be used any more. Export what can still be read, or start fresh to boot a new guest in its place.',
    actions: ['export-rest', 'start-fresh'],
  },
  'taken-over': {
    title: 'This machine runs in another tab now',
    advice: 'Use it there, or open it here again to take it back.',
    actions: ['reload'],
  },
  'migration-refused': {
    title: 'The other side does not take the guest',
    guest: 'The guest keeps running here.',
    advice: 'See the details below for what is in the way, then try again.',
    actions: ['try-again'],
  },
  'migration-failed': {
    title: 'The guest could not be moved',
    guest: 'The guest keeps running here.',
    advice: 'Try again, or allow a longer downtime.',
    actions: ['try-again'],
  },
  'migration-unconfirmed': {
    title: 'The other side does not say whether the guest runs there',
    guest: 'The guest waits here.',
    advice: 'Look at the other side first. Resume the guest here only if it does not run there.',
    actions: ['resume-here'],
  },
  migrated: {
    title: 'This guest has moved',
    advice: 'It runs where it was sent to. Use it there, or start another one here.',
    actions: ['start-fresh', 'reload'],
  },
  'file-failed': {
    title: 'The file could not be read or written',
    advice: 'The guest is unchanged. Check the file and the space on its disk, then try again.',
    actions: ['try-again'],
  },
  'network-unavailable': {
    title: 'The network of the guest could not be set up',
    advice: 'Check the address of the relay in the options, or start without a network.',
    actions: ['try-again', 'start-fresh'],
  },
  'guest-silent': {
    title: 'The guest does not answer',
    advice: 'It may be busy, or has no agent running. Try again in a moment.',
    actions: ['try-again'],
  },
  'guest-failed': {
    title: 'The guest sent an answer that makes no sense',
    advice: 'Its agent is damaged, or another program writes to its port. Restart the agent.',
    actions: ['try-again'],
  },
  'bad-command': {
    title: 'The monitor does not know this command',
    advice: 'Type help in the monitor for a list of commands.',
    actions: ['try-again'],
  },
  'bad-state-file': {
    title: 'This is not a state file that can be opened',
    advice: 'It is damaged, cut off, or another kind of file. Ask its sender for it again.',
    actions: ['try-again'],
  },
  'state-unavailable': {
    title: 'The state could not be fetched',
    advice:
      'It may have expired or been deleted, or its server does not allow this page to read it.',
    actions: ['try-again'],
  },
  'state-changed': {
    title: 'The state was replaced while it was read',
    advice: 'Its address has another file now. Open it again.',
    actions: ['try-again'],
  },
  'memory-unavailable': {
    title: 'The guest’s memory has not all arrived',
    guest: 'The guest is unharmed. What has arrived stays.',
    advice: 'Try again when the server of the state answers.',
    actions: ['try-again'],
  },
  'wrong-base': {
    title: 'The state that this one builds on is no longer published',
    advice:
      'This link or file holds only what differs from it. Ask its sender to share the machine again, as an uploaded link or as a file: those are complete.',
    actions: ['try-again'],
  },
  'share-failed': {
    title: 'The machine could not be shared',
    advice: 'Try again, or save it as a file.',
    actions: ['try-again'],
  },
  'bad-link': {
    title: 'This link does not lead to a machine',
    advice: 'Ask its sender for a new link. Each link works once.',
    actions: ['try-again'],
  },
  'relay-unavailable': {
    title: 'The other device cannot be reached',
    guest: 'A guest that was to be sent keeps running where it is.',
    advice: 'Check the network connection, then make a new link.',
    actions: ['try-again'],
  },
  'not-approved': {
    title: 'Nothing was started',
    advice: 'You declined the request. Try again to decide anew.',
    actions: ['try-again'],
  },
  'wrong-v86-state': {
    title: 'This v86 state is that of another machine',
    advice:
      'Open a machine with the memory sizes and drives that it was saved with (in the address: ?m=, ?vram=, ?hda.url= and so on), then try again.',
    actions: ['try-again'],
  },
  'part-unavailable': {
    title: 'A part of this page could not be loaded',
    advice: 'The guest keeps running. Check the network connection, then try again.',
    actions: ['try-again', 'reload'],
  },
  'site-updated': {
    title: 'This site was updated',
    advice: 'Reload the page: the guest keeps running.',
    actions: ['reload'],
  },
  cancelled: {
    title: 'It was cancelled',
    advice: 'Nothing was changed. Try again when you like.',
    actions: ['try-again'],
  },
  internal: {
    title: 'Something is wrong in Holdfast itself',
    advice: 'Reload the page. If it happens again, please report it with the details below.',
    actions: ['reload', 'start-fresh'],
  },
};

/** The label of each action's button. */
export const actionLabel: Readonly<Record<ErrorAction, string>> = {
  'try-again': 'Try again',
  'start-fresh': 'Start fresh…',
  reload: 'Reload the page',
  reconnect: 'Reconnect',
  'move-anyway': 'Move anyway',
  'export-rest': 'Export what is left',
  'resume-here': 'Resume here',
};
