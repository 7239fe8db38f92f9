/** The page: made of its parts once its address is understood. */
import { keeperUrl, runtimes } from 'virtual:holdfast-build';
import { openSiteWorkers } from '../client/site-worker.ts';
import type { Machine } from '../client/types.ts';
import { missingFeatures } from '../index.ts';
import { randomId } from '../protocol/random-id.ts';
import { showBadOptions } from './address/bad-options.ts';
import { linkMachineId } from './address/link-machine.ts';
import { parseUrlOptions } from './address/url-options.ts';
import { compose } from './compose.ts';
import { toggleHelp } from './help/help-dialog.tsx';
import { Session } from './session/session.ts';
import { takePreloadedKeeper } from './start/preloaded-keeper.ts';
import { element } from './ui/element.ts';
import { showUnsupported } from './ui/full-page.ts';
import { preloadParts } from './ui/preloaded-parts.ts';
import { runtimeSource } from './ui/runtime-source.ts';
import { setUpTheme } from './ui/theme.ts';

declare global {
  interface Window {
    /** For tests and curious people. */
    holdfast?: {
      readonly machine: Machine | null;
      /** The text of the VGA screen; nothing in graphics. */
      screenText(): string;
      /** The text of the serial console, scrollback included. */
      terminalText(): string;
      terminalSize(): { cols: number; rows: number };
    };
  }
}

// Such an address in the bar of a page that is open would otherwise only change the bar.
window.addEventListener('hashchange', () => {
  if (location.hash.startsWith('#s=')) location.reload();
});
openSiteWorkers();
setUpTheme();
element('help', HTMLButtonElement).addEventListener('click', toggleHelp);

const missing = missingFeatures();
const parsed = parseUrlOptions(location.href, runtimes, document.baseURI);
if (missing.length > 0) {
  showUnsupported(missing);
} else if (parsed.ok) {
  const { options } = parsed;
  if (options.machine && !options.hasMachineId) {
    options.machineId = await linkMachineId(location.search);
  }
  // A state that is opened is a machine of its own, and leaves the visitor's alone.
  if (options.state && !options.hasMachineId) options.machineId = randomId();
  const session = new Session(
    {
      keeperUrl: new URL(keeperUrl, document.baseURI).href,
      runtimes: runtimes.map(runtimeSource),
      host: options.host,
      machineId: options.machineId,
    },
    takePreloadedKeeper,
  );
  const page = compose(session, options);
  window.holdfast = {
    get machine() {
      return page.machine;
    },
    screenText: () => page.screenText(),
    terminalText: () => page.terminalText(),
    terminalSize: () => page.terminalSize(),
  };
  if (parsed.unknown) page.showUnknown(parsed.unknown);
  void page.open();
  preloadParts();
} else {
  showBadOptions(parsed.problems);
}
