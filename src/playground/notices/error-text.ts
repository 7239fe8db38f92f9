/** Every error code in words, with what to do about it. No DOM. */
import { type CprError, type CprErrorCode, unreachable } from '../../errors.ts';

/** What the page was doing when it failed. */
export type Operation =
  | 'connect'
  | 'start'
  | 'live-update'
  | 'pause'
  | 'resume'
  | 'reset'
  | 'save-state'
  | 'load-state'
  | 'go-back'
  | 'suspend'
  | 'wake-up'
  | 'input'
  | 'storage'
  | 'share'
  | 'open-state'
  | 'resume-stored'
  | 'watch'
  | 'change-medium'
  | 'run';

export type ErrorAction = 'try-again' | 'start-fresh' | 'reload' | 'reconnect' | 'export-rest';

export interface ErrorText {
  title: string;
  /** One or two sentences that end in a next step. */
  advice: string;
  /** In the order of their buttons; the first is the one to try first. */
  actions: readonly ErrorAction[];
}

/** @param error its message is needed where one code has several reasons */
export function errorText(
  error: Pick<CprError, 'code'> & Partial<Pick<CprError, 'message'>>,
  operation: Operation,
): ErrorText {
  const text = textOf(error.code, error.message?.includes(unreachable));
  if (operation === 'change-medium' && error.code === 'bad-config')
    return {
      title: 'The image does not fit into this drive',
      advice: 'What was in the drive is still there. Choose another image.',
      actions: [],
    };
  if (operation === 'resume-stored') return { ...text, advice: withoutGuest(text.advice) };
  if (operation !== 'live-update' || guestIsLost(error.code)) return text;
  return {
    title: 'The live update did not happen',
    advice: `The guest goes on with the emulator it had. ${text.title}. ${text.advice}`,
    actions: text.actions.filter((action) => action !== 'start-fresh'),
  };
}

export const actionLabel: Record<ErrorAction, string> = {
  'try-again': 'Try again',
  'start-fresh': 'Start fresh…',
  reload: 'Reload the page',
  reconnect: 'Reconnect',
  'export-rest': 'Export what is left',
};

/** What is said of a guest that runs while its storage fails, where none runs yet. */
const withoutGuest = (advice: string) =>
  advice.replace(
    /^The guest runs on, but is [^.]*\. (What was saved before is left as it is\. )?/,
    'Nothing was started, and what is stored is left as it is. ',
  );

/** Whether this failure means that there is no guest, or none that the page can reach. */
function guestIsLost(code: CprErrorCode): boolean {
  return ['guest-crashed', 'keeper-gone', 'keeper-silent', 'no-machine'].includes(code);
}

function textOf(code: CprErrorCode, isNetwork = false): ErrorText {
  switch (code) {
    case 'unsupported-browser':
      return {
        title: 'This browser cannot run the guest',
        advice: 'Open this page in a current Chromium, Firefox or Safari.',
        actions: [],
      };
    case 'bad-config':
      return {
        title: 'The machine is not described correctly',
        advice: 'Check the options in the address of this page; the help lists them.',
        actions: ['reload'],
      };
    case 'image-unavailable':
      return {
        title: 'A file the guest boots from could not be loaded',
        advice: isNetwork
          ? 'Check the network connection, then try again.'
          : 'The words below say what is wrong with the file or its address. Mend that, then try again.',
        actions: ['try-again', 'reload'],
      };
    case 'runtime-unavailable':
      return {
        title: 'The emulator could not be loaded',
        advice:
          'Check the network connection, then try again. If the site was updated meanwhile, reload the page.',
        actions: ['try-again', 'reload'],
      };
    case 'runtime-incompatible':
      return {
        title: 'That emulator cannot take this guest',
        advice: 'Choose another version, or start fresh to use this one.',
        actions: ['start-fresh'],
      };
    case 'runtime-failed':
      return {
        title: 'The emulator failed while it took the guest over',
        advice: 'Try again, or choose another version.',
        actions: ['try-again', 'start-fresh'],
      };
    case 'bad-vmstate':
      return {
        title: 'The saved state of the devices is damaged',
        advice: 'Nothing was loaded from it. Try again; if that fails too, start fresh.',
        actions: ['try-again', 'start-fresh'],
      };
    case 'bad-runstate':
      return {
        title: 'The guest is not in a state for that',
        advice: 'Look at its state above; it may have changed in another page.',
        actions: ['try-again'],
      };
    case 'busy':
      return {
        title: 'The machine is busy with something else',
        advice: 'Another page may be starting or updating it. Try again in a moment.',
        actions: ['try-again'],
      };
    case 'no-machine':
      return {
        title: 'There is no guest any more',
        advice: 'It was removed, perhaps by another page. Start a new one.',
        actions: ['start-fresh'],
      };
    case 'out-of-memory':
      return {
        title: 'There is not enough memory for this guest',
        advice: 'Close other tabs and try again, or ask for less RAM, for example with ?m=96.',
        actions: ['try-again'],
      };
    case 'guest-crashed':
      return {
        title: 'The emulator crashed while it ran the guest',
        advice: 'This guest cannot go on: start fresh to boot a new one.',
        actions: ['start-fresh'],
      };
    case 'keeper-incompatible':
      return {
        title: 'The guest is held by a version of Holdfast that this page cannot talk to',
        advice:
          'Use a page of that version, or close every page of this site for a while, which ends that guest, and reload.',
        actions: ['reload'],
      };
    case 'keeper-unavailable':
      return {
        title: 'The worker that holds the guest could not be started',
        advice: 'Check the network connection and that this site may run workers, then try again.',
        actions: ['try-again', 'reload'],
      };
    case 'keeper-gone':
      return {
        title: 'The worker that held the guest is gone',
        advice:
          'The browser ended it. Reconnect to see whether a guest is left; if not, one boots.',
        actions: ['reconnect'],
      };
    case 'keeper-silent':
      return {
        title: 'The worker that holds the guest does not answer',
        advice: 'It may be overloaded. The guest is probably still there: reconnect to it.',
        actions: ['reconnect'],
      };
    case 'blocked':
      return {
        title: 'Something about this machine stands in the way',
        advice: 'The guest goes on. Change what the words below name, then try again.',
        actions: ['try-again'],
      };
    case 'wrong-machine':
      return {
        title: 'The state belongs to another machine',
        advice:
          'Nothing was loaded from it. Start a machine with the options that the state names.',
        actions: ['try-again'],
      };
    case 'wrong-disk':
      return {
        title: 'A disk is not the one this state was taken with',
        advice: 'Nothing was loaded. Give the machine the disk that the words below name.',
        actions: ['try-again'],
      };
    case 'not-found':
      return {
        title: 'There is nothing stored under this name',
        advice: 'It may have been deleted in another page. Choose another one.',
        actions: ['try-again'],
      };
    case 'file-needed':
      return {
        title: 'A file of your computer is needed again',
        advice:
          'Large files that a machine was started with are not stored with it. Open the machine and choose the file again: it goes on where it was.',
        actions: ['try-again'],
      };
    case 'storage-unavailable':
      return {
        title: 'The browser gives this site no storage',
        advice:
          'The guest runs on, but is lost when the browser ends. Leave private browsing or allow storage for this site, then try again.',
        actions: ['try-again'],
      };
    case 'storage-blocked':
      return {
        title: 'The storage of this site does not open',
        advice:
          'The guest runs on, but is not saved meanwhile. Close the other pages of this site, or restart the browser, then try again.',
        actions: ['try-again'],
      };
    case 'storage-newer':
      return {
        title: 'A newer version of this site has converted its storage',
        advice:
          'The guest runs on, but is not saved any more. Close the other pages of this site and reload this page to get that version: it goes on with the guest as it was last saved.',
        actions: ['reload'],
      };
    case 'guest-over-limit':
      return {
        title: 'The guest has used up what it may take',
        advice:
          'The details say of what. Resume it if it was paused, or delete something in the guest.',
        actions: ['try-again'],
      };
    case 'storage-full':
      return {
        title: 'The storage of this site is full',
        advice:
          'The guest runs on, but is not saved any more. Delete machines you no longer need or free disk space, then try again.',
        actions: ['try-again'],
      };
    case 'storage-reserved':
      return {
        title: 'A machine from a link or file may take no more storage',
        advice:
          'The guest runs on, but is not saved any more. What storage is left is for machines of your own. Keep this one as yours, or delete others that came from links or files.',
        actions: ['try-again'],
      };
    case 'storage-failing':
      return {
        title: 'The disk of this computer is full, or fails',
        advice:
          'The guest runs on, but is not saved meanwhile. What was saved before is left as it is. Free disk space: saving resumes by itself.',
        actions: ['try-again'],
      };
    case 'storage-occupied':
      return {
        title: 'Another guest is in storage in its place',
        advice:
          'It could not be read, or was left alone, when this one was started. Both are safe: go on with the stored one, or save this one in its place.',
        actions: ['try-again'],
      };
    case 'storage-damaged':
      return {
        title: 'What is stored of this guest is damaged',
        advice:
          'No checkpoint of it can be used any more. Export what can still be read, or start fresh to boot a new guest in its place.',
        actions: ['export-rest', 'start-fresh'],
      };
    case 'taken-over':
      return {
        title: 'This machine runs in another tab now',
        advice: 'Go on there, or take it back by opening it here again.',
        actions: ['reload'],
      };
    case 'file-failed':
      return {
        title: 'The file could not be read or written',
        advice:
          'The guest goes on as it was. Check the file and the space on its disk, then try again.',
        actions: ['try-again'],
      };
    case 'network-unavailable':
      return {
        title: 'The network of the guest could not be set up',
        advice: 'Check the address of the relay in the options, or start without a network.',
        actions: ['try-again', 'start-fresh'],
      };
    case 'guest-silent':
      return {
        title: 'The guest does not answer',
        advice: 'It may be busy, or has no agent running. Try again in a moment.',
        actions: ['try-again'],
      };
    case 'guest-failed':
      return {
        title: 'The guest answered with something else',
        advice: 'Its agent is damaged, or another program writes to its port. Restart the agent.',
        actions: ['try-again'],
      };
    case 'bad-command':
      return {
        title: 'The monitor does not know this command',
        advice: 'Type help in the monitor for those that it knows.',
        actions: ['try-again'],
      };
    case 'bad-state-file':
      return {
        title: 'This is not a state file that can be opened',
        advice: 'It is damaged, cut off, or something else. Get it again from whoever shared it.',
        actions: ['try-again'],
      };
    case 'state-unavailable':
      return {
        title: 'The state could not be fetched',
        advice:
          'It may have expired or been deleted, or its server does not let this page have it.',
        actions: ['try-again'],
      };
    case 'wrong-base':
      return {
        title: 'The state that this one builds on is no longer published',
        advice:
          'This link or file holds only what differs from it. Ask whoever made it to share the machine again, as a link that is uploaded or as a file: those stand on their own.',
        actions: ['try-again'],
      };
    case 'share-failed':
      return {
        title: 'The machine could not be shared',
        advice: 'Try again, or save it as a file.',
        actions: ['try-again'],
      };
    case 'not-approved':
      return {
        title: 'Nothing was started',
        advice: 'You did not agree to what it asks for. Try again to decide anew.',
        actions: ['try-again'],
      };
    case 'wrong-v86-state':
      return {
        title: 'This v86 state is that of another machine',
        advice:
          'Open a machine with the memory sizes and drives that it was saved with (in the address: ?m=, ?vram=, ?hda.url= and so on), then try again.',
        actions: ['try-again'],
      };
    case 'part-unavailable':
      return {
        title: 'A part of this page could not be loaded',
        advice: 'The guest goes on. Check the network connection, then try again.',
        actions: ['try-again', 'reload'],
      };
    case 'site-updated':
      return {
        title: 'This site was updated',
        advice: 'Reload: the guest goes on.',
        actions: ['reload'],
      };
    case 'cancelled':
      return {
        title: 'It was cancelled',
        advice: 'Nothing was changed. Try again when you like.',
        actions: ['try-again'],
      };
    case 'internal':
      return {
        title: 'Something is wrong in Holdfast itself',
        advice: 'Reload the page. If it happens again, please report it with the words below.',
        actions: ['reload', 'start-fresh'],
      };
  }
}
