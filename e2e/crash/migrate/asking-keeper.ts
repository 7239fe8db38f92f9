/** A keeper that waits, at each step of a migration, for the test's word to continue. */
import { servePages } from '../../../src/keeper/serve-pages.ts';

/** The test puts the address of its {@link Lab} here. */
const labUrl = 'LAB_URL';

servePages({
  around: (operation, step, when) => {
    if (operation === 'cprSave') return;
    const request = new XMLHttpRequest();
    const query = new URLSearchParams({ side: self.location.origin, operation, step, when });
    // The worker stands still until the answer, as if it were slow at this step.
    request.open('GET', `${labUrl}?${query}`, false);
    request.send();
    if (request.responseText === 'throw') throw new Error(`broken ${when} ${step}`);
  },
});
