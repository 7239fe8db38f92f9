/** No two folders of what is shipped import each other: rules of dependency-cruiser, see layers.mjs. */
import layers from './layers.mjs';

export default {
  forbidden: [
    {
      name: 'no-back-arrow',
      comment:
        'Folders import each other: move what both need into a folder below, or pass it as an argument.',
      severity: 'error',
      scope: 'folder',
      from: {},
      to: { circular: true },
    },
  ],
  options: {
    ...layers.options,
    // Test support imports what it supports.
    exclude: { path: ['\\.test\\.tsx?$', '(^|/)testing/'] },
  },
};
