/** Playwright fixtures for guests in Holdfast. */
export {
  expect,
  type GuestFixtures,
  type GuestOptions,
  type SiteOptions,
  test,
} from './fixtures.ts';
export { Guest, type RunResult } from './guest.ts';
export { Site } from './site.ts';
