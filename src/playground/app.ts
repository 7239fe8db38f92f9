/** Makes the page once its address is understood. */
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
    /** For tests and for use in the browser's console. */
    holdfast?: {
      readonly machine: Machine | null;
      /** The text of the VGA screen. Empty in graphics mode. */
      screenText(): string;
      /** The text of the serial console, scrollback included. */
      terminalText(): string;
      terminalSize(): { cols: number; rows: number };
    };
  }
}

// In an open page, a new fragment alone would change only the address bar.
window.addEventListener('hashchange', () => {
  if (/^#(s|send)=/.test(location.hash)) location.reload();
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
  // An opened state is a machine of its own. The visitor's machine is not affected.
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
