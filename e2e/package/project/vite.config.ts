import { holdfast } from 'holdfast/vite';

const pages = ['index', 'element', 'sound', 'states', 'react', 'api'];

export default {
  // For any path of any host.
  base: './',
  plugins: [holdfast()],
  build: { target: 'es2022', rolldownOptions: { input: pages.map((name) => `${name}.html`) } },
};
