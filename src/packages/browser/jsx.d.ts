/**
 * `<holdfast-guest>` in JSX. What is not installed is left out: an augmentation of a module that is not
 * there is the one error that each comment takes away.
 */
import type { GuestAttributes, GuestElementEvents, HoldfastGuest } from './element.ts';

type Listener<K extends keyof GuestElementEvents> = (event: GuestElementEvents[K]) => unknown;

/** Beside what every element takes. */
interface GuestProps extends GuestAttributes {
  /** The property of this name: what no text can say. */
  options?: HoldfastGuest['options'];
  onready?: Listener<'ready'>;
  onstatus?: Listener<'status'>;
  onerror?: Listener<'error'>;
}

// @ts-ignore
declare module 'react' {
  namespace JSX {
    interface IntrinsicElements {
      // @ts-ignore
      'holdfast-guest': Omit<HTMLAttributes<HoldfastGuest>, keyof GuestProps> &
        // @ts-ignore
        ClassAttributes<HoldfastGuest> &
        GuestProps;
    }
  }
}

// @ts-ignore
declare module 'preact' {
  namespace JSX {
    interface IntrinsicElements {
      // @ts-ignore
      'holdfast-guest': Omit<import('preact').HTMLAttributes<HoldfastGuest>, keyof GuestProps> &
        GuestProps;
    }
  }
}

// @ts-ignore
declare module 'solid-js/jsx-runtime' {
  namespace JSX {
    interface IntrinsicElements {
      // @ts-ignore
      'holdfast-guest': Omit<HTMLAttributes<HoldfastGuest>, keyof GuestProps> &
        GuestProps & {
          'on:ready'?: Listener<'ready'>;
          'on:status'?: Listener<'status'>;
          'on:error'?: Listener<'error'>;
        };
    }
  }
}

declare global {
  namespace JSX {
    interface IntrinsicElements {
      'holdfast-guest': GuestProps & { [attribute: string]: unknown };
    }
  }
}
