/** Playwright fixtures for guests in Holdfast. */
export { HoldfastError, type HoldfastErrorCode } from '../../errors.ts';
export { BrowserProfile } from './browser-profile.ts';
export type { HoldfastWindow } from './call-machine.ts';
export { attachEvidence } from './evidence.ts';
export {
  type GuestAutoFixtures,
  type GuestFixtures,
  type GuestWorkerFixtures,
  type GuestWorkerOptions,
  test,
} from './fixtures.ts';
export { GoldenGuest, type GoldenSurroundings } from './golden.ts';
export { Guest, type GuestSurroundings } from './guest.ts';
export type { TypeOptions } from './guest-keyboard.ts';
export type { Medium } from './guest-media.ts';
export type { GuestMouse, MouseButton } from './guest-mouse.ts';
export type { GuestMachine, GuestOptions } from './guest-options.ts';
export type { ConfigChange } from './guest-power.ts';
export type { ScreenArea, ScreenMask, StillScreenOptions } from './guest-screen.ts';
export type { RunResult } from './guest-shell.ts';
export { expect, type MatchScreenOptions } from './matchers.ts';
export type { ForwardPortOptions, PortForward } from './port-forward.ts';
export type { SerialConsole, SerialWaitOptions } from './serial-console.ts';
export { type PolicyViolation, Site, type SiteOptions } from './site.ts';
export type { WaitOptions } from './wait-options.ts';
