/**
 * `<holdfast-guest>` in JSX. Each augmentation applies only if its framework is installed. The comment
 * above it suppresses the error for a missing module.
 */
import type { GuestAttributes, GuestElementEvents, HoldfastGuest } from './element.ts';

type Listener<K extends keyof GuestElementEvents> = (event: GuestElementEvents[K]) => unknown;

/** Attributes in addition to those of every element. */
interface GuestProps extends GuestAttributes {
  /** The property of this name, for values that are not text. */
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
