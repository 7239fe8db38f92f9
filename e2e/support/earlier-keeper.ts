/**
 * A keeper that knows its calls only by the names of an earlier release. It stands for the keeper of a
 * page that was opened before an update. Bundled in place of keeper.js.
 */
import { servePages } from '../../src/keeper/serve-pages.ts';
import { releasedCalls } from '../../src/protocol/testing/released-calls.ts';

const known: readonly string[] = releasedCalls;
const { addEventListener, postMessage } = MessagePort.prototype;

MessagePort.prototype.addEventListener = function (
  this: MessagePort,
  type: string,
  listener: EventListener,
  options?: AddEventListenerOptions,
) {
  const dispatch = (event: Event) => {
    const { id, path } = (event as MessageEvent).data ?? {};
    const [name] = path ?? [];
    if (type !== 'message' || name === undefined || known.includes(name)) listener(event);
    else postMessage.call(this, { id, type: 'RAW', value: `no call "${name}"` });
  };
  addEventListener.call(this, type, dispatch, options);
} as typeof addEventListener;

MessagePort.prototype.postMessage = function (
  this: MessagePort,
  message: { value?: { methods?: unknown } },
  ...rest: unknown[]
) {
  const { value } = message;
  const told = value?.methods ? { ...message, value: { ...value, methods: known } } : message;
  postMessage.apply(this, [told, ...rest] as never);
} as typeof postMessage;

servePages();
