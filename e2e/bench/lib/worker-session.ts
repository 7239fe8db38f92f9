import type { Browser } from '@playwright/test';

/** Collects the garbage of all pages and of the keeper, also when V8 would not do so by itself. */
export async function collectGarbage(browser: Browser): Promise<void> {
  const session = await browser.newBrowserCDPSession();
  const { targetInfos } = await session.send('Target.getTargets');
  for (const { targetId, type } of targetInfos) {
    if (type !== 'page' && type !== 'shared_worker') continue;
    const { sessionId } = await session.send('Target.attachToTarget', { targetId, flatten: false });
    const answered = new Promise<void>((done) => {
      session.on('Target.receivedMessageFromTarget', ({ sessionId: from, message }) => {
        if (from === sessionId && JSON.parse(message).id === 1) done();
      });
    });
    const message = JSON.stringify({ id: 1, method: 'HeapProfiler.collectGarbage' });
    await session.send('Target.sendMessageToTarget', { sessionId, message });
    await answered;
    await session.send('Target.detachFromTarget', { sessionId });
  }
  await session.detach();
}
