/**
 * The npm packages whose v86 this site ships as runtimes, newest first. Any alias works:
 * `npm install --save-exact v86-older@npm:v86@0.5.381` and a line here add a version.
 */
export const v86Packages: readonly string[] = ['v86', 'v86-previous'];
